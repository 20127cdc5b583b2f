/** What the cap of a metric did, in a sentence, and what its results are without it. */
import type { MetricResult, ResultsSummary } from "@assay/model"
import * as Numbers from "./Numbers.ts"
import { own } from "./own.ts"
import { valueOf } from "./values.ts"

const exact = (x: number): string => (Number.isInteger(x) ? Numbers.count(x) : String(Number(x.toPrecision(12))))

/** What has no cap has no sentence. `name` writes the key of an arm. */
export const capSentence = (
  { control, variants }: Pick<ResultsSummary, "control" | "variants">,
  { cap, estimand }: Pick<MetricResult, "cap" | "estimand">,
  name: (key: string) => string
): string | undefined => {
  if (cap === undefined) return undefined
  const keys = [control, ...variants.map(({ key }) => key).filter((key) => key !== control)]
  const values = keys.map((key) => valueOf(estimand, own(cap.uncapped, key)))
  const size = Numbers.sizeOf(values.map((value) => value ?? 0))
  const of = cap.quantile === undefined
    ? ""
    : `, the ${Number((cap.quantile * 100).toPrecision(6))} % quantile of the values other than 0`
  const touched = Object.values(cap.capped).reduce((total, n) => total + n, 0)
  const results = keys.map((key, i) => {
    const value = values[i]
    const said = `${name(key)} ${value === undefined ? "–" : Numbers.value(value, size, estimand)}`
    if (key === control) return said
    const inference = own(cap.uncapped_inference, key) ?? undefined
    if (inference === undefined) return `${said}, no lift`
    const { high, lift, low } = Numbers.lift(inference)
    return `${said}, ${lift} % (${low} … ${high} %)`
  })
  return `Capped at ${exact(cap.value)}${of}; ${
    touched === 1 ? "1 identity is" : `${Numbers.count(touched)} identities are`
  } above. Without the cap: ${results.join("; ")}.`
}
