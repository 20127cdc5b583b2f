import { names, now, states } from "@assay/example-summaries"
import { type Card, everything, filterCards, listPage, resultsCard } from "@assay/page"
import fc from "fast-check"
import { parseHTML } from "linkedom"
import { describe, expect, it } from "vitest"

const cards: ReadonlyArray<Card> = [
  ...Object.values(states).map((summary): Card => ({
    experiment: summary.experiment,
    description: summary.description,
    environment: summary.environment,
    feature: summary.feature,
    state: summary.state,
    results: resultsCard(summary)
  })),
  {
    experiment: "planned_one",
    description: undefined,
    environment: "staging",
    feature: "f",
    state: "planned",
    results: { kind: "none" }
  },
  {
    experiment: "damaged_one",
    description: undefined,
    environment: "staging",
    feature: "f",
    state: "running",
    results: { kind: "unreadable", sentence: "The latest results can't be read." }
  }
]

const listOf = (query: Partial<typeof everything>) =>
  parseHTML(listPage({
    cards,
    query: { ...everything, ...query },
    now,
    base: "/",
    pathOf: (experiment) => `/experiments/${encodeURIComponent(experiment)}`
  })).document

const shownIn = (document: ReturnType<typeof listOf>): ReadonlyArray<string> =>
  [...document.querySelectorAll(".card h2")].map((heading) => heading.textContent ?? "")

describe("the list of experiments", () => {
  it("shows all of them, each with its verdict, the age of its data, and badges", () => {
    const document = listOf({})
    expect(shownIn(document).length).toBe(cards.length)
    const card = [...document.querySelectorAll(".card")].find((one) => one.textContent?.includes("search_ranking"))
    expect(card?.textContent).toContain("Do not trust these results")
    expect(card?.textContent).toContain("Sample ratio mismatch")
    expect(card?.textContent).toContain("7 hours ago")
  })

  it("tells results that can't be read from results that aren't there", () => {
    const shown = listOf({}).body.textContent ?? ""
    expect(shown).toContain("The latest results can't be read.")
    expect(shown).toContain("No results yet.")
  })

  it("filters by words, state, environment and trouble", () => {
    expect(shownIn(listOf({ q: "RANKING trust" }))).toEqual(["search_ranking"])
    expect(shownIn(listOf({ state: "planned" }))).toEqual(["planned_one"])
    expect(shownIn(listOf({ environment: "staging" }))).toEqual(["planned_one", "damaged_one"])
    expect(shownIn(listOf({ trouble: true }))).toContain("damaged_one")
    expect(shownIn(listOf({ trouble: true }))).not.toContain("pricing_table")
  })

  it("filters what it shows, never more and never less than the query asks for", () => {
    fc.assert(
      fc.property(
        fc.record({
          q: fc.oneof(fc.string(), fc.constantFrom("checkout", "a", names.script)),
          state: fc.constantFrom("" as const, "running" as const, "ended" as const),
          environment: fc.constantFrom("", "production", "staging"),
          trouble: fc.boolean()
        }),
        (query) => {
          const found = filterCards(cards, query)
          expect(found.every((card) => query.state === "" || card.state === query.state)).toBe(true)
          expect(filterCards(found, query)).toEqual(found)
          expect(filterCards(cards, everything)).toEqual(cards)
        }
      ),
      { numRuns: 50 }
    )
  })

  it("keeps names text, and links to where they are", () => {
    const document = listOf({})
    expect(document.querySelectorAll("main script").length).toBe(0)
    const link = [...document.querySelectorAll(".card a")].find((one) => one.textContent === names.script)
    expect(link?.getAttribute("href")).toBe(`/experiments/${encodeURIComponent(names.script)}`)
  })
})
