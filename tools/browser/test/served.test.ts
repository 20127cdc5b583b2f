/** The pages of `assay serve`, every state reached by clicking. */
import { launch, type Look, looks, open, overflow, type Serving, unroll } from "@assay/browser"
import { names } from "@assay/example-summaries"
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import type { BrowserContextOptions, Page } from "playwright-core"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { ofStyle, violations } from "./axe.ts"
import { fresh, results, serve, tokens } from "./serve.ts"

const screenshots = join(import.meta.dirname, "../.cache/screenshots")
const [light] = looks
let browser: Awaited<ReturnType<typeof launch>>
let serving: Serving
/** A browser that signed in, by who did. */
const sessions = new Map<string, BrowserContextOptions["storageState"]>()

const opened = (path: string, options: BrowserContextOptions = {}, look: Look = light!) =>
  open(browser, { ...look, options: { ...look.options, ...options } }, `${serving.url}${path}`)

/** A page as somebody who signed in sees it. */
const as = (who: "ann" | "bob", path: string, options: BrowserContextOptions = {}, look?: Look) => {
  const storageState = sessions.get(who)
  return opened(path, { ...options, ...(storageState === undefined ? {} : { storageState }) }, look)
}

const shot = async (page: Page, name: string) => {
  await unroll(page)
  await page.screenshot({ path: join(screenshots, `served-${name}.png`), fullPage: true })
}

const unfold = (page: Page) =>
  page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")

/** Violations of accessibility, and whether one has to scroll sideways; a screenshot is kept. */
const flaws = async (page: Page, name: string, rules?: ReadonlyArray<string>): Promise<ReadonlyArray<string>> => {
  await shot(page, name)
  const wider = await overflow(page)
  return [...await violations(page, rules), ...(wider > 0 ? [`${wider} pixels wider than the window`] : [])]
}

const close = (page: Page) => page.context().close()

beforeAll(async () => {
  mkdirSync(screenshots, { recursive: true })
  const [first, second] = await Promise.all([launch(), serve()])
  browser = first
  serving = second
  for (const who of ["ann", "bob"] as const) {
    const { page } = await opened("/")
    await page.getByLabel("Token").fill(tokens[who])
    await page.getByRole("button", { name: "Sign in" }).click()
    await page.getByRole("heading", { name: "Experiments" }).waitFor()
    sessions.set(who, await page.context().storageState())
    await close(page)
  }
})
afterAll(async () => {
  await browser.close()
  await serving.close()
})

describe("signing in", () => {
  it("refuses a token that isn't known, goes where one wanted with one that is, and ends where one says so", async () => {
    const { page } = await opened("/experiments/shipping")
    expect(await flaws(page, "sign-in")).toEqual([])
    await page.getByLabel("Token").fill(tokens.eve)
    await page.keyboard.press("Enter")
    await page.getByText("This token isn't known.").waitFor()
    expect(await flaws(page, "sign-in-refused", ofStyle)).toEqual([])
    await page.getByLabel("Token").fill(tokens.bob)
    await page.keyboard.press("Enter")
    await page.waitForURL("**/experiments/shipping")
    expect(await page.getByText("Ship one_page").isVisible()).toBe(true)
    await page.getByRole("button", { name: "Sign out" }).click()
    await page.getByLabel("Token").waitFor()
    expect(await page.context().cookies()).toEqual([])
    await close(page)
  })
})

describe("the list", () => {
  const cards = (page: Page) => page.locator("ul.cards > li")

  it("shows each experiment with its verdict, the age of its results, sample ratio and quality", async () => {
    const { complaints, page } = await as("bob", "/")
    expect(await cards(page).count()).toBe(Object.keys(results).length + 2)
    const card = (name: string) => cards(page).filter({ has: page.getByRole("link", { name, exact: true }) })
    expect(await card("shipping").innerText()).toMatch(/Ship one_page[\s\S]*ago\s+199,141 identities/)
    expect(await card("mismatch").innerText()).toMatch(/Do not trust[\s\S]*Sample ratio mismatch[\s\S]*1 alarm/)
    expect(await card("collecting").innerText()).toContain("Ratio not checked")
    expect(await card(fresh).innerText()).toContain("No results yet")
    expect(await card("autumn").innerText()).toContain("planned")
    expect(await flaws(page, "list")).toEqual([])
    expect(complaints).toEqual([])
    await close(page)
  })

  it.each(looks.slice(1))("can be read in $name", async (look) => {
    const { page } = await as("bob", "/", {}, look)
    expect(await flaws(page, `list-${look.name}`, ofStyle)).toEqual([])
    await close(page)
  })

  it("searches while one types, filters by state, environment and trouble, and opens what is clicked", async () => {
    const { complaints, page } = await as("bob", "/")
    await page.getByLabel("Search").pressSequentially("not trust")
    await page.waitForURL("**q=not+trust**")
    await page.getByText(/^1 of \d+ experiments$/).waitFor()
    expect(await page.evaluate("document.activeElement.name")).toBe("q")
    await page.getByLabel("Search").fill("")
    await page.getByText(/^\d+ experiments$/).waitFor()
    await page.getByLabel("State").selectOption("planned")
    await page.waitForURL("**state=planned**")
    expect(await cards(page).locator("h2").allInnerTexts()).toEqual(["autumn"])
    await page.getByLabel("State").selectOption("any")
    await page.waitForURL("**state=&**")
    await page.getByLabel("Environment").selectOption("production")
    await page.waitForURL("**environment=production**")
    expect(await cards(page).count()).toBe(Object.keys(results).length + 1)
    await page.getByLabel("With trouble only").check()
    await page.waitForURL("**trouble=1**")
    expect((await cards(page).locator("h2").allInnerTexts()).toSorted()).toEqual([names.script, "mismatch", "shipping"])
    await page.getByLabel("Search").fill("nothing like this")
    await page.getByText("No experiment fits.").waitFor()
    expect(await flaws(page, "list-empty", ofStyle)).toEqual([])
    await page.goto(serving.url)
    await page.getByRole("link", { name: "sequential" }).click()
    await page.getByRole("heading", { name: "sequential" }).waitFor()
    expect(complaints).toEqual([])
    await close(page)
  })
})

describe("an experiment", () => {
  it("tells everything by clicking: raw numbers, figures, slices, the check, the statement, older results", async () => {
    const { complaints, page } = await as("bob", "/experiments/shipping", {
      permissions: ["clipboard-read", "clipboard-write"]
    })
    expect(await page.getByRole("button", { name: "Refresh" }).count()).toBe(0)
    const click = async (summary: string, part: string, n = 0) => {
      const folded = page.locator("details", { has: page.locator("> summary", { hasText: summary }) }).nth(n)
      await folded.locator("> summary").click()
      await folded.getByText(part).first().waitFor()
    }
    await click("Raw numbers", "sum squares")
    await click("Figures", "all so far")
    await click("Lifts of the other metrics", "Cumulative lift, revenue")
    await click("Details of the check", "Identities against the plan")
    await click("The statement and its parameters", "GROUP BY variant")
    const slices = page.locator("#breakdowns details", { has: page.locator("> summary", { hasText: "revenue" }) })
      .first()
    await slices.locator("> summary").click()
    expect(await slices.getByText("phone").or(slices.getByText("DE")).first().isVisible()).toBe(true)
    const { definition_hash, query_id, statement_hash } = results["shipping"]!.provenance
    for (
      const [what, text] of [["definition's hash", definition_hash], ["statement's hash", statement_hash], [
        "query's id",
        query_id
      ]]
    ) {
      await page.getByRole("button", { name: `Copy the ${what}` }).click()
      await expect.poll(() => page.evaluate("navigator.clipboard.readText()"), { timeout: 30_000 }).toBe(text)
    }
    expect(await flaws(page, "experiment")).toEqual([])
    await page.locator("#history a").nth(1).click()
    await page.getByText("These results aren't the latest.").waitFor()
    expect(await flaws(page, "older", ofStyle)).toEqual([])
    await page.getByRole("link", { name: "Show the latest" }).click()
    await page.waitForURL("**/experiments/shipping")
    expect(complaints).toEqual([])
    await close(page)
  })

  it("says of what is withheld how much is missing, and when it will come", async () => {
    const { page } = await as("bob", "/experiments/collecting")
    const metric = page.locator("#scorecard tbody", { hasText: "purchased" }).first()
    expect(await metric.innerText()).toMatch(
      /3 conversions in an arm; an inference takes 5\.[\s\S]*about \d+ (h|hours|days|d)/
    )
    expect(await flaws(page, "withheld", ofStyle)).toEqual([])
    await close(page)
  })

  it("says of a sample ratio that is off where", async () => {
    const { page } = await as("bob", "/experiments/mismatch")
    expect(await page.locator("#quality").innerText()).toContain("browser = Safari")
    expect(await page.getByText("Do not trust").first().isVisible()).toBe(true)
    expect(await flaws(page, "mismatch", ofStyle)).toEqual([])
    await close(page)
  })

  it("shows hostile names as text, whatever is clicked", async () => {
    const { complaints, page } = await as("bob", "/")
    expect(await page.title()).toBe("Experiments · Assay")
    await page.getByRole("link", { name: names.script }).click()
    await page.getByRole("heading", { level: 1, name: names.script }).waitFor()
    await unfold(page)
    expect(await page.title()).toBe(`${names.script} · Assay`)
    expect(await page.locator("img, script:not([src])").count()).toBe(0)
    expect(await flaws(page, "hostile", ofStyle)).toEqual([])
    expect(complaints).toEqual([])
    await close(page)
  })

  it("is walked through by keyboard: from the list to raw numbers and back", async () => {
    const { page } = await as("bob", "/?q=sequential")
    const focused = () => page.evaluate<string>("document.activeElement.textContent")
    for (let i = 0; i < 20 && await focused() !== "sequential"; i++) await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await page.waitForURL("**/experiments/sequential")
    for (let i = 0; i < 20 && !(await focused()).startsWith("Raw numbers"); i++) await page.keyboard.press("Tab")
    await page.keyboard.press("Space")
    expect(await page.getByText("sum squares").first().isVisible()).toBe(true)
    await page.keyboard.press("Shift+Tab")
    expect(await page.evaluate("document.activeElement.matches(':focus-visible')")).toBe(true)
    await close(page)
  })

  it("answers where there is nothing, and for whom there is nothing, with the same page", async () => {
    const { page } = await as("bob", "/experiments/nowhere")
    expect(await page.getByText("There is no such page, or none that you may see.").isVisible()).toBe(true)
    expect(await flaws(page, "not-found", ofStyle)).toEqual([])
    await close(page)
  })
})

describe("a refresh", () => {
  it("is asked for with a click, watched to its end, shows the new results, and is throttled", async () => {
    const { complaints, page } = await as("ann", `/experiments/${fresh}`)
    expect(await page.getByText("No results yet").isVisible()).toBe(true)
    expect(await flaws(page, "no-results")).toEqual([])
    // What was shown of the refresh, from the click to the page that it ends with.
    await page.evaluate(`{
      const output = document.querySelector("form.refresh output")
      new MutationObserver(() => sessionStorage.setItem("said", (sessionStorage.getItem("said") ?? "") + output.textContent + "|"))
        .observe(output, { childList: true, characterData: true, subtree: true })
    }`)
    await page.getByRole("button", { name: "Refresh" }).click()
    await page.getByRole("progressbar", { name: "Refresh" }).waitFor()
    await shot(page, "refreshing")
    await page.locator("#scorecard").waitFor({ timeout: 100_000 })
    expect(await page.evaluate("sessionStorage.getItem('said')")).toMatch(
      /^Asking\|.*(Queued|Running|rows read)\|.*Done\|$/
    )
    expect(await page.locator("#scorecard").innerText()).toContain("purchased")
    for (const part of ["New identities per day", "Cumulative lift, purchased", "By traits.device"]) {
      expect(await page.getByText(part).first().isVisible()).toBe(true)
    }
    await unfold(page)
    expect(await flaws(page, "refreshed", ofStyle)).toEqual([])
    await page.getByRole("button", { name: "Refresh" }).click()
    await page.getByText(/Refreshed a moment ago\. Try again in \d+ s\./).waitFor()
    expect(complaints.filter((line) => !line.includes("429"))).toEqual([])
    await close(page)
  })

  it("needs no script: the button sends a form, the page says what became of it", async () => {
    const { page } = await as("ann", "/", { javaScriptEnabled: false })
    await page.getByLabel("Search").fill(fresh)
    await page.getByRole("button", { name: "Filter" }).click()
    await page.getByRole("link", { name: fresh }).click()
    expect(await page.getByRole("heading", { name: "Scorecard" }).isVisible()).toBe(true)
    await page.locator("details.raw summary").first().click()
    expect(await page.getByText("sum squares").first().isVisible()).toBe(true)
    await page.getByRole("button", { name: "Refresh" }).click()
    await page.getByText(/Try again in \d+ s\./).waitFor()
    await shot(page, "throttled")
    expect(await page.locator("button:visible").count()).toBe(0)
    await close(page)
  })
})
