/** Numbers as people read them. The minus is U+2212, except in exponents, which people copy. */
import type { EstimandKind } from "@assay/model"

const minus = "−"

const signed = (text: string, x: number): string => (x < 0 && /[1-9]/.test(text) ? minus + text : text)

/** Formats with 0 to 6 decimals, made once: making one takes longer than writing a hundred numbers. */
const formats = Array.from(
  { length: 7 },
  (_, decimals) => new Intl.NumberFormat("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals })
)

const twoDigits = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 2 })

const plain = (x: number, decimals: number): string => formats[decimals]!.format(Math.abs(x))

const exponent = (x: number, decimals: number): string => Math.abs(x).toExponential(decimals).replace("e+", "e")

/** Decimals that leave so many significant digits of a number of this size, within 0 to 6. */
const decimalsFor = (size: number, significant: number): number =>
  size === 0 ? 0 : Math.min(6, Math.max(0, significant - 1 - Math.floor(Math.log10(size))))

/** Above and below, digits would fill the line. */
const largest = 1e9
const smallest = 1e-4

const scaled = (x: number, size: number, significant: number): string => {
  if (x === 0) return "0"
  const fits = Math.abs(x) < largest && Math.abs(x) >= smallest && size >= smallest
  return signed(fits ? plain(x, decimalsFor(size, significant)) : exponent(x, 2), x)
}

/** Percent of a fraction; of the very largest numbers, the largest there is. */
const inPercent = (x: number): number => Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, x * 100))

/** A whole number with thousands separators: `10,012`. */
export const count = (n: number): string =>
  signed(Math.abs(n) >= 1e15 ? exponent(n, 3) : Number.isInteger(n) ? plain(n, 0) : scaled(n, Math.abs(n), 4), n)

/** A share of identities, 0 to 1, to a tenth of a percent: `50.1 %`, `<0.1 %`. */
export const share = (x: number): string => (x > 0 && x < 0.0005 ? "<0.1 %" : `${signed(plain(x * 100, 1), x)} %`)

/**
 * The value of a metric in an arm: a proportion in percent to three significant digits, a mean to four. `size` is the size
 * of that metric's values, so that all arms have the same decimals.
 */
export const value = (x: number, size: number, estimand: EstimandKind): string =>
  estimand === "proportion" ? `${scaled(inPercent(x), inPercent(size), 3)} %` : scaled(x, size, 4)

/** The size that a metric's values are written for: that of its smallest arm, but no less than a tenth of the largest. */
export const sizeOf = (means: ReadonlyArray<number>): number => {
  const sizes = means.map(Math.abs).filter((size) => size > 0)
  return sizes.length === 0 ? 0 : Math.max(Math.min(...sizes), Math.max(...sizes) / 10)
}

/** Percent with so many decimals and a sign: `+4.2`, `−12.0`; no sign where it rounds to zero. */
const change = (x: number, decimals: number): string => {
  const percent = inPercent(x)
  const text = Math.abs(percent) >= 1e6
    ? exponent(percent, 1)
    : plain(percent, Math.abs(percent) >= 1000 ? 0 : decimals)
  return percent > 0 && /[1-9]/.test(text) ? `+${text}` : signed(text, percent)
}

/**
 * A lift and the ends of its interval, as fractions, in percent with signs and without the percent sign. They have one decimal,
 * none where the interval is wider than 100 %, and more where it is narrower than 0.2 %.
 */
export const lift = (
  inference: { readonly lift: number; readonly ci_low: number; readonly ci_high: number }
): { readonly lift: string; readonly low: string; readonly high: string } => {
  const halfWidth = inference.ci_high * 50 - inference.ci_low * 50
  const decimals = halfWidth >= 50 ? 0 : halfWidth >= 0.1 || halfWidth === 0 ? 1 : halfWidth >= 0.01 ? 2 : 3
  return {
    lift: change(inference.lift, decimals),
    low: change(inference.ci_low, decimals),
    high: change(inference.ci_high, decimals)
  }
}

/** The end of an axis: percent with sign and the digits that it has. */
export const tick = (x: number): string => {
  const percent = Number((x * 100).toPrecision(2))
  const size = Math.abs(percent)
  const text = size >= 1e5 || size < 0.001
    ? exponent(percent, 0)
    : twoDigits.format(size)
  return `${percent < 0 ? minus : "+"}${text} %`
}

/** A probability of 0 to 1: `97.3 %`, `>99.9 %`, `<0.1 %`. */
export const chance = (x: number): string => x > 0.999 ? ">99.9 %" : x < 0.001 ? "<0.1 %" : `${plain(x * 100, 1)} %`

/** A p-value to two significant digits with its letter: `p = 0.0086`, `p = 1.2e-9`, `p < 1e-300`. */
export const pValue = (p: number): string =>
  p < 1e-300 ? "p < 1e-300" : `p = ${p < 1e-4 ? p.toExponential(1) : p.toPrecision(2)}`

const units = [["day", 86_400_000], ["hour", 3_600_000], ["minute", 60_000]] as const

/** A span of time in the largest unit of which there are two, rounded down: `14 days`, `36 hours`, `1 minute`. */
export const duration = (millis: number): string => {
  const [unit, size] = units.find(([, size]) => millis >= 2 * size) ?? ["minute", 60_000]
  const n = Math.floor(millis / size)
  return n < 1 ? "less than a minute" : `${plain(n, 0)} ${unit}${n === 1 ? "" : "s"}`
}
