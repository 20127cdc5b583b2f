/** The stylesheet, the script and the icon of every page: files beside the sources, so that editors and browsers see what they are. */
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"

/** A file that pages need: its text, and its hash as a content security policy wants it. */
export interface Asset {
  readonly name: string
  readonly type: string
  readonly text: string
  readonly integrity: string
}

const asset = (file: string, type: string): Asset => {
  const text = readFileSync(new URL(`../assets/${file}`, import.meta.url), "utf8")
  const hash = createHash("sha256").update(text).digest()
  const [stem, extension] = file.split(".")
  // The hash in the name lets a browser keep the file for good.
  return {
    name: `${stem}.${hash.toString("hex").slice(0, 12)}.${extension}`,
    type,
    text,
    integrity: `sha256-${hash.toString("base64")}`
  }
}

/** How all pages look: dark and light, phone, print. */
export const stylesheet: Asset = asset("page.css", "text/css; charset=utf-8")

/** What a browser's tab shows beside the title. */
export const icon: Asset = asset("icon.svg", "image/svg+xml")

/** Works on top of what the page can do by itself: copies, filters while typing, follows a refresh. */
export const script: Asset = asset("page.js", "text/javascript; charset=utf-8")
