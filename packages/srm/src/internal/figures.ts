/** Numbers as sentences show them. */

/** A count with thousands separators. */
export const count = (n: number): string => n.toLocaleString("en-US")

/** A share as a percentage with up to two decimals. */
export const percent = (share: number): string =>
  `${(share * 100).toLocaleString("en-US", { maximumFractionDigits: 2 })} %`

/** A p-value to two digits. */
export const probability = (p: number): string => String(Number(p.toPrecision(2)))
