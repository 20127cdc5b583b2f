/** How a page is looked at. */
import type { Browser, BrowserContextOptions, Page } from "playwright-core"

/** A way to look at a page. */
export interface Look {
  readonly name: string
  readonly options: BrowserContextOptions
  readonly print?: true
}

const desktop = { width: 1280, height: 900 }

export const looks: ReadonlyArray<Look> = [
  { name: "light", options: { viewport: desktop, colorScheme: "light" } },
  { name: "dark", options: { viewport: desktop, colorScheme: "dark" } },
  { name: "phone", options: { viewport: { width: 390, height: 844 }, colorScheme: "light" } },
  { name: "print", options: { viewport: { width: 794, height: 1123 }, colorScheme: "dark" }, print: true }
]

/** What a page did that it shouldn't: requests to other origins, errors, and messages of its policy. */
export interface Watched {
  readonly page: Page
  readonly complaints: ReadonlyArray<string>
}

/** Opens an address as this look has it, and writes down whatever the page complains about. */
export const open = async (browser: Browser, look: Look, address: string): Promise<Watched> => {
  const context = await browser.newContext({ ...look.options, reducedMotion: "reduce" })
  const page = await context.newPage()
  const complaints: Array<string> = []
  const origin = new URL(address).origin
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text())
  })
  page.on("pageerror", (error) => complaints.push(String(error)))
  page.on("request", (request) => {
    if (new URL(request.url()).origin !== origin) complaints.push(`a request to ${request.url()}`)
  })
  if (look.print === true) await page.emulateMedia({ media: "print" })
  await page.goto(address)
  return { page, complaints }
}

/** Makes the window as tall as the page, so that all of it is laid out: what is far from sight is skipped otherwise, and its height guessed. */
export const unroll = async (page: Page): Promise<void> => {
  const { height = 0, width = 0 } = page.viewportSize() ?? {}
  const whole = await page.evaluate<number>("document.documentElement.scrollHeight")
  if (whole <= height) return
  await page.setViewportSize({ width, height: whole })
  await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
  await unroll(page)
}

/** How many pixels a page is wider than its window. */
export const overflow = (page: Page): Promise<number> =>
  page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
