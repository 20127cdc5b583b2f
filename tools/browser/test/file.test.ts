import { chromiumPath, launch, looks, open, overflow } from "@assay/browser"
import { names, now, shipping, statement, states } from "@assay/example-summaries"
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

const fileOf = (state: string): string => {
  const file = join(folder, `${state}.html`)
  writeFileSync(file, experimentPage({ summary: states[state]!, statement, now }))
  return pathToFileURL(file).href
}

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
      await page.screenshot({ path: join(screenshots, `file-${state}-${look.name}.png`), fullPage: true })
      expect(await overflow(page)).toBeLessThanOrEqual(0)
      // All unfolded: what is hidden can't be checked.
      await page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
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

  it("can be walked through with the keyboard: the way to the content first, then what can be unfolded", async () => {
    const { page } = await open(browser, light!, fileOf("shipping"))
    await page.keyboard.press("Tab")
    expect(await page.evaluate("document.activeElement.textContent")).toBe("Skip to content")
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    expect(await page.evaluate("document.activeElement.tagName")).toBe("SUMMARY")
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
