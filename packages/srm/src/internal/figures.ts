/** Numbers as sentences show them. */

/** A count with thousands separators. */
export const count = (n: number): string => n.toLocaleString("en-US")

/** A share as a percentage with up to two decimals. */
export const percent = (share: number): string =>
  `${(share * 100).toLocaleString("en-US", { maximumFractionDigits: 2 })} %`

/** A p-value to two digits, with its letter: `p = 0.0086`, and `p < 1e-300` where digits end. */
export const pValue = (p: number): string => p < 1e-300 ? "p < 1e-300" : `p = ${Number(p.toPrecision(2))}`
