/** The frame of every page. */
import type { VNode } from "preact"
import { icon, script, stylesheet } from "./assets.ts"
import { type Content, el, trusted, write } from "./html.ts"
import { visible } from "./text.ts"

/** Where a page lives: in a file that holds all it needs, or on a server below the path `base` (which ends in `/`). */
export type Place = { readonly kind: "file" } | { readonly kind: "served"; readonly base: string }

/** The policy of a page in a file: nothing but its own stylesheet and script, and no network at all. */
const filePolicy = [
  "default-src 'none'",
  `style-src '${stylesheet.integrity}'`,
  `script-src '${script.integrity}'`,
  "base-uri 'none'",
  "form-action 'none'"
].join("; ")

const assets = (place: Place): ReadonlyArray<VNode> =>
  place.kind === "file"
    ? [
      el("meta", { "http-equiv": "Content-Security-Policy", content: filePolicy }),
      trusted("style", {}, stylesheet.text)
    ]
    : [
      el("link", { rel: "icon", href: `${place.base}assets/${icon.name}`, type: icon.type }),
      el("link", { rel: "stylesheet", href: `${place.base}assets/${stylesheet.name}` }),
      el("script", { src: `${place.base}assets/${script.name}`, defer: true })
    ]

/** A whole document with this title, header and main content. */
export const page = (
  place: Place,
  title: string,
  header: ReadonlyArray<Content>,
  main: ReadonlyArray<Content>
): string =>
  write(
    el(
      "html",
      { lang: "en" },
      el(
        "head",
        {},
        el("meta", { charset: "utf-8" }),
        ...assets(place),
        el("meta", { name: "viewport", content: "width=device-width, initial-scale=1" }),
        el("meta", { name: "color-scheme", content: "light dark" }),
        el("meta", { name: "referrer", content: "no-referrer" }),
        el("title", {}, visible(title))
      ),
      el(
        "body",
        {},
        el("a", { class: "skip", href: "#main" }, "Skip to content"),
        el("header", { class: "top" }, ...header),
        el("main", { id: "main", tabindex: -1 }, ...main),
        el("div", { id: "said", class: "hidden", role: "status" }),
        ...(place.kind === "file" ? [trusted("script", {}, script.text)] : [])
      )
    )
  )
