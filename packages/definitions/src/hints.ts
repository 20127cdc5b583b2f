/** What the writer of a definition perhaps meant, read off how a refused value is written. */
import { decode, Instant, type ValueIssue } from "@assay/model"
import { Result } from "effect"
import type { Place } from "./Yaml.ts"

const wantsText = (expected: string): boolean => /^text\b/.test(expected)
const wantsNumber = (expected: string): boolean => /^(a number|a whole number)\b/.test(expected)

/** A hint how to mend the value at `place` (undefined: nothing is written there), or undefined. */
export const hintFor = (issue: ValueIssue, place: Place | undefined): string | undefined => {
  const key = issue.path.at(-1)
  if (issue.at === "key") return key === "<<" ? "YAML 1.2 has no merge key: write the keys out" : undefined
  if (place === undefined || place.source === undefined) return undefined
  const { value, source } = place
  if (value === null && source === "") return "Leave the key out, or give it a value"
  if (typeof value !== "string") {
    if (issue.expected.startsWith("a date")) return "Write it as 2026-01-01 or 2026-01-01T09:30:00Z"
    return wantsText(issue.expected) ? `Quote it to make it text: ${JSON.stringify(source)}` : undefined
  }
  if (wantsNumber(issue.expected)) {
    const percent = /^\s*(\d+(?:\.\d+)?)\s*%\s*$/.exec(value)
    if (percent !== null) return `Write it without the percent sign: ${percent[1]}`
    return value.trim() !== "" && Number.isFinite(Number(value))
      ? `Write it without quotes: ${value.trim()}`
      : undefined
  }
  if (issue.expected.startsWith("true or false") && /^(yes|no|on|off|y|n)$/i.test(value)) {
    return `Write true or false: YAML 1.2 reads ${value} as text`
  }
  if (issue.expected.startsWith("a date")) {
    const utc = `${value.trim().replace(/ +/, "T")}Z`
    return Result.isSuccess(decode(Instant.Instant, utc)) ? `Say the zone; in UTC it is ${utc}` : undefined
  }
  return undefined
}
