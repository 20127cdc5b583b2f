/** Foreign names and sentences in a page. */
import type { VNode } from "preact"
import { el } from "./html.ts"

/** Controls, bidi overrides and embeddings, and lone surrogates: what could hide or reorder other text. Joiners of emoji stay. */
const unsafe = /[\p{Cc}\p{Cs}\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e0fff}]/gu

/** A foreign text with what could hide or reorder other text shown escaped (`\u202e`). */
export const visible = (text: string): string =>
  text.replace(/[\t\n\r]+/g, " ").replace(unsafe, (character) => {
    const hex = character.codePointAt(0)!.toString(16)
    return hex.length > 4 ? `\\u{${hex}}` : `\\u${hex.padStart(4, "0")}`
  })

/** A name that somebody else chose, isolated from the direction of the text around it. Long ones are cut by the style alone. */
export const name = (text: string): VNode =>
  el("bdi", { class: "name", ...(text.length > 60 ? { title: visible(text) } : {}) }, visible(text))

/** A text whose lines don't end inside of `9.9 %` and of `p = 0.02`. */
const kept = (text: string): string =>
  text.replaceAll(/(\d) %/g, "$1\u00a0%").replaceAll(/\bp ([=<]) (?=\d)/g, "p\u00a0$1\u00a0")

/** A sentence that may hold foreign names. */
export const sentence = (text: string): VNode => el("bdi", {}, kept(visible(text)))

/** An instant as `2026-01-15 00:00 UTC`, readable for machines too; foreign text where it isn't one. */
export const time = (instant: string): VNode => {
  const millis = Date.parse(instant)
  return Number.isNaN(millis)
    ? sentence(instant)
    : el("time", { datetime: new Date(millis).toISOString() }, `${day(instant)} ${clock(instant)} UTC`)
}

/** The day of an instant in UTC. */
export const day = (instant: string): string => new Date(Date.parse(instant)).toISOString().slice(0, 10)

/** The time of day of an instant in UTC, to the minute. */
export const clock = (instant: string): string => new Date(Date.parse(instant)).toISOString().slice(11, 16)
