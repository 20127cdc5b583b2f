/** The browser of this machine. */
import { existsSync } from "node:fs"
import { type Browser, chromium } from "playwright-core"

const places = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
]

/** Where Chromium lies: `CHROMIUM` names it, else the usual places; nothing where there is none. */
export const chromiumPath = (): string | undefined =>
  [process.env["CHROMIUM"] ?? "", ...places].find((path) => path !== "" && existsSync(path))

/** No sandbox, because tests run as root in containers, and only pages of ours are opened; no call home. */
const flags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync"
]

/** Starts Chromium without a window. Fails where there is none. */
export const launch = (): Promise<Browser> => {
  const executablePath = chromiumPath()
  if (executablePath === undefined) {
    throw new Error("There is no Chromium. Install it (Debian: chromium), or name it in CHROMIUM.")
  }
  return chromium.launch({ executablePath, headless: true, args: flags })
}
