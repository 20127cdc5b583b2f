import { chromiumPath, launch, looks, open, overflow, unroll } from "@assay/browser"
import { large, names, now, shipping, statement, states } from "@assay/example-summaries"
import type { ResultsSummary } from "@assay/model"
import { experimentPage } from "@assay/page"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { ofStyle, violations } from "./axe.ts"

const screenshots = join(import.meta.dirname, "../.cache/screenshots")
const folder = mkdtempSync(join(tmpdir(), "assay-page-"))
let browser: Awaited<ReturnType<typeof launch>>

beforeAll(async () => {
  mkdirSync(screenshots, { recursive: true })
  browser = await launch()
})
afterAll(async () => {
  await browser.close()
  rmSync(folder, { recursive: true, force: true })
})

const written = (name: string, summary: ResultsSummary): string => {
  const file = join(folder, `${name}.html`)
  writeFileSync(file, experimentPage({ summary, statement, now }))
  return pathToFileURL(file).href
}

const fileOf = (state: string): string => written(state, states[state]!)

const [light] = looks

it("runs where Chromium is", () => {
  expect(chromiumPath()).toBeDefined()
})

/** The states that hold all there is are looked at in every way, the others in light. */
const all = ["shipping", "mismatch", "hostile"]

describe.each(Object.keys(states))("the page of %s, as a file", (state) => {
  it.each(looks.filter((look) => look === light || all.includes(state)))(
    "$name: no violation of accessibility, no scrolling sideways, no complaint",
    async (look) => {
      const { complaints, page } = await open(browser, look, fileOf(state))
      await unroll(page)
      await page.screenshot({ path: join(screenshots, `file-${state}-${look.name}.png`), fullPage: true })
      expect(await overflow(page)).toBeLessThanOrEqual(0)
      // All unfolded: what is hidden can't be checked.
      await page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
      await unroll(page)
      expect(await violations(page, look === light ? undefined : ofStyle)).toEqual([])
      expect(await overflow(page)).toBeLessThanOrEqual(0)
      expect(complaints).toEqual([])
      await page.context().close()
    }
  )
})

describe("the page of an experiment, as a file", () => {
  it("shows raw numbers, figures and the statement when they are unfolded by clicking", async () => {
    const { page } = await open(browser, light!, fileOf("shipping"))
    const raw = page.locator("details.raw").first()
    expect(await raw.getByText("sum squares").isVisible()).toBe(false)
    await raw.locator("summary").click()
    expect(await raw.getByText("sum squares").isVisible()).toBe(true)
    await page.locator("#time details summary").first().click()
    expect(await page.getByText("all so far", { exact: true }).isVisible()).toBe(true)
    await page.locator("#provenance details summary").click()
    expect(await page.getByText("GROUP BY variant").isVisible()).toBe(true)
    await page.context().close()
  })

  it("can be read without JavaScript, and shows no button that would need it", async () => {
    const look = { name: "plain", options: { ...light!.options, javaScriptEnabled: false } }
    const { page } = await open(browser, look, fileOf("shipping"))
    expect(await page.getByText("Ship one_page").isVisible()).toBe(true)
    await page.locator("details.raw summary").first().click()
    expect(await page.getByText("sum squares").first().isVisible()).toBe(true)
    expect(await page.locator("button:visible").count()).toBe(0)
    await page.context().close()
  })

  it("copies the hash of the statement", async () => {
    const look = { name: "copy", options: { ...light!.options, permissions: ["clipboard-read", "clipboard-write"] } }
    const { page } = await open(browser, look, fileOf("shipping"))
    await page.getByRole("button", { name: "Copy the statement's hash" }).click()
    await page.getByText("Copied").first().waitFor()
    expect(await page.evaluate("navigator.clipboard.readText()")).toBe(shipping.provenance.statement_hash)
    await page.context().close()
  })

  it("can be walked through with the keyboard: the way to the content first, then links to its sections, then what can be unfolded", async () => {
    const { page } = await open(browser, light!, fileOf("shipping"))
    await page.keyboard.press("Tab")
    expect(await page.evaluate("document.activeElement.textContent")).toBe("Skip to content")
    await page.keyboard.press("Enter")
    const links = 6 // five sections, and the data quality below the arms
    const tags: Array<unknown> = []
    for (let i = 0; i < links + 1; i++) {
      await page.keyboard.press("Tab")
      tags.push(await page.evaluate("document.activeElement.tagName"))
    }
    expect(tags).toEqual([...Array.from({ length: links }, () => "A"), "SUMMARY"])
    await page.keyboard.press("Enter")
    expect(await page.locator("details.raw").first().getAttribute("open")).not.toBeNull()
    await page.context().close()
  })

  it("shows hostile names as text and runs none of them", async () => {
    const { complaints, page } = await open(browser, light!, fileOf("hostile"))
    expect(await page.title()).toBe(`${names.script} · Assay`)
    expect(await page.locator("h1").innerText()).toBe(names.script)
    expect(await page.locator("img").count()).toBe(0)
    expect(complaints).toEqual([])
    await page.context().close()
  })

  it("prints what is folded, but for raw numbers and code, and no button", async () => {
    const { page } = await open(browser, looks.find(({ print }) => print === true)!, fileOf("shipping"))
    expect(await page.locator("button:visible").count()).toBe(0)
    expect(await page.locator("details:not(.raw) figure:visible").count()).toBeGreaterThan(0)
    expect(await page.evaluate("getComputedStyle(document.body).backgroundColor")).toBe("rgb(255, 255, 255)")
    await page.context().close()
  })
})

/** Cells of one row of a scorecard whose texts lie on each other, as their texts. */
const collisions = `[...document.querySelectorAll(".score > tbody > tr")].flatMap((row) => {
  const boxes = [...row.cells].filter((cell) => cell.textContent !== "" && cell.checkVisibility()).map((cell) => {
    const range = document.createRange()
    range.selectNodeContents(cell)
    return [cell.textContent, range.getBoundingClientRect()]
  })
  return boxes.flatMap(([one, a], i) => boxes.slice(i + 1).flatMap(([other, b]) =>
    a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1 ? [one + " / " + other] : []
  ))
})`

/** How far, at most, the dotted line of a row is from the 0 of the axis above it. */
const misplaced =
  `Math.max(...[...document.querySelectorAll(".score")].filter((table) => table.checkVisibility()).flatMap((table) => {
  const [axis, ...rows] = [...table.querySelectorAll(":scope > * > tr > .drawing line")].map((line) => line.getBoundingClientRect().left)
  return rows.map((row) => Math.abs(row - axis))
}))`

/** The texts of charts that go on beyond what is painted of them, which ends at the figure or the metric. */
const cut =
  `[...document.querySelectorAll("figure text, tbody text")].filter((text) => text.checkVisibility()).flatMap((text) => {
  const [a, b] = [text, text.closest("figure, tbody")].map((one) => one.getBoundingClientRect())
  return a.left < b.left || a.right > b.right || a.top < b.top || a.bottom > b.bottom ? [text.textContent] : []
})`

describe("the text of charts and the figures of rows", () => {
  const widths = [360, 390, 640, 720, 800, 1024, 1100, 1280, 1920]

  it(`are apart, under their axis, and 11 pixels high or more, on windows of ${widths.join(", ")} pixels`, async () => {
    const { page } = await open(browser, light!, fileOf("shipping"))
    for (const width of widths) {
      await page.setViewportSize({ width, height: 900 })
      await unroll(page)
      const heights = await page.evaluate<ReadonlyArray<number>>(
        `[...document.querySelectorAll("svg text")].filter((text) => text.checkVisibility())
          .map((text) => Number.parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().d)`
      )
      expect(heights.length).toBeGreaterThan(20)
      expect(Math.min(...heights), `at ${width} pixels`).toBeGreaterThanOrEqual(11)
      expect(await overflow(page), `at ${width} pixels`).toBeLessThanOrEqual(0)
      expect(await page.evaluate(collisions), `at ${width} pixels`).toEqual([])
      expect(await page.evaluate(cut), `at ${width} pixels`).toEqual([])
      expect(await page.evaluate(misplaced), `at ${width} pixels`).toBeLessThan(1)
    }
    await page.context().close()
  })
})

describe("the page of many metrics", () => {
  it("is laid out where one looks, found in by the browser's search, and printed whole", async () => {
    const { page } = await open(browser, light!, written("large", large(100, 5)))
    const devtools = await page.context().newCDPSession(page)
    await devtools.send("Performance.enable")
    const { metrics } = await devtools.send("Performance.getMetrics")
    const count = (name: string) => metrics.find((one) => one.name === name)?.value
    expect(count("Nodes")).toBeLessThan(60_000)
    expect(count("LayoutObjects")).toBeLessThan(5_000)
    const laidOut = () =>
      page.evaluate(
        `[...document.querySelectorAll("#scorecard td.word")].at(-1).checkVisibility({ contentVisibilityAuto: true })`
      )
    expect(await laidOut()).toBe(false)
    await page.locator("#scorecard .metric-name", { hasText: "metric_99" }).scrollIntoViewIfNeeded()
    await expect.poll(laidOut).toBe(true)
    await page.evaluate("scrollTo(0, 0)")
    await expect.poll(laidOut).toBe(false)
    expect(await page.evaluate("find('metric_99')")).toBe(true)
    await expect.poll(laidOut).toBe(true)
    await page.evaluate("scrollTo(0, 0)")
    await page.emulateMedia({ media: "print" })
    expect(await laidOut()).toBe(true)
    await page.context().close()
  })
  it.each([1280, 800, 390])(
    "is as high as it will be before it is laid out, on a window of %d pixels, so that links find their sections",
    async (width) => {
      const { page } = await open(browser, light!, written("many", large(20, 5)))
      await page.setViewportSize({ width, height: 900 })
      const height = () => page.evaluate<number>("document.documentElement.scrollHeight")
      const guessed = await height()
      await page.locator("nav.contents").getByRole("link", { name: "Over time" }).click()
      const off = () => page.evaluate<number>("Math.abs(document.getElementById('time').getBoundingClientRect().top)")
      await expect.poll(off).toBeLessThan(1)
      await unroll(page)
      expect(Math.abs(guessed / await height() - 1)).toBeLessThan(0.03)
      await page.context().close()
    }
  )
})
