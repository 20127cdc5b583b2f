/** The kernel behind JSON: one request in, one response out. */
import type { Moments } from "@assay/model"
import type { Prior } from "./bayesian.ts"
import type { Engine, Margin } from "./comparison.ts"
import type { Alternative } from "./contrast.ts"
import { type EngineName, engines, engineWith } from "./engines.ts"
import { adjustmentOf, type Estimand } from "./estimand.ts"
import { type Fields, fields, moments, type NamedMoments, number, numbers, oneOf, or } from "./internal/request.ts"
import { adjustedConfidence, adjustLogE, adjustments, adjustPValues, averageLogE } from "./multiplicity.ts"
import {
  type Baseline,
  baselineOf,
  type Design,
  minimumDetectableEffect,
  powerOf,
  proportionBaseline,
  sampleSize,
  type TargetEffect
} from "./planning.ts"
import { postStratify } from "./post-stratification.ts"
import { defaultTuning } from "./sequential.ts"

/** One operation: the request's fields in, the response out; a request that it can't read is a RangeError. */
export type Operation = (request: Fields) => object

const contrasts = ["relative", "absolute"] as const
const alternatives: ReadonlyArray<Alternative> = ["two-sided", "greater", "less"]

const marginOf = (value: unknown): Margin => {
  const { on, value: size } = fields(value, "\"margin\"", ["value", "on"])
  return { value: number(size, "margin.value"), on: or(on, "relative", (x) => oneOf(x, "margin.on", contrasts)) }
}

const priorOf = (value: unknown): Prior => {
  const { mean, on, sd } = fields(value, "\"prior\"", ["mean", "sd", "on"])
  return {
    mean: or(mean, 0, (x) => number(x, "prior.mean")),
    sd: number(sd, "prior.sd"),
    on: or(on, "relative", (x) => oneOf(x, "prior.on", contrasts))
  }
}

const engineOf = (request: Fields): Engine => {
  const names = Object.keys(engines) as ReadonlyArray<EngineName>
  const name = or(request["engine"], "bayesian", (x) => oneOf(x, "engine", names))
  const variance = or(request["variance"], "welch", (x) => oneOf(x, "variance", ["welch", "pooled"]))
  const interval = or(request["interval"], "fieller", (x) => oneOf(x, "interval", ["fieller", "delta"]))
  const prior = or(request["prior"], undefined, priorOf)
  const tuning = or(request["tuning"], defaultTuning, (x) => number(x, "tuning"))
  if (!(tuning > 0)) throw new RangeError(`"tuning" must be above 0, found ${tuning}`)
  return engineWith({ name, variance, interval, tuning, ...(prior === undefined ? {} : { prior }) })
}

/** An estimand with the names of the columns that it reads, in the order in which the kernel gets them. */
interface NamedEstimand {
  readonly estimand: Estimand
  readonly names: ReadonlyArray<string> | undefined
}

const text = (value: unknown, name: string): string => {
  if (typeof value !== "string") throw new RangeError(`"${name}" must be the name of a column`)
  return value
}

const estimandOf = (value: unknown, { columns }: NamedMoments): NamedEstimand => {
  const read = value === undefined
    ? {}
    : fields(value, "\"estimand\"", ["kind", "numerator", "denominator", "covariate", "covariate_denominator"])
  const name = (key: string) => or(read[key], undefined, (x) => text(x, `estimand.${key}`))
  const [denominator, covariate, under] = [name("denominator"), name("covariate"), name("covariate_denominator")]
  const kind = or(
    read["kind"],
    denominator === undefined ? "mean" : "ratio",
    (x) => oneOf(x, "estimand.kind", ["mean", "proportion", "ratio"])
  )
  const numerator = name("numerator")
  if (kind === "ratio" && denominator === undefined) {
    throw new RangeError("\"estimand.denominator\" is missing: a ratio needs one")
  }
  if (kind !== "ratio" && denominator !== undefined) throw new RangeError(`A ${kind} has no denominator`)
  if (under !== undefined && covariate === undefined) {
    throw new RangeError("\"estimand.covariate\" is missing: covariate_denominator belongs to it")
  }
  if (columns === undefined) {
    if (denominator !== undefined || covariate !== undefined) {
      throw new RangeError("A denominator or a covariate needs moments with \"columns\"")
    }
    return { estimand: { kind }, names: undefined }
  }
  const first = numerator ?? (columns.length === 1 ? columns[0]! : undefined)
  if (first === undefined) throw new RangeError("\"estimand.numerator\" is missing: the moments have several columns")
  const names = [first, denominator, covariate, under].filter((x) => x !== undefined)
  const at = denominator === undefined ? 1 : 2
  return {
    estimand: {
      kind,
      ...(covariate === undefined
        ? {}
        : { covariate: { numerator: at, ...(under === undefined ? {} : { denominator: at + 1 }) } })
    },
    names
  }
}

/** The named columns, in order. */
const select = (
  { columns, moments }: NamedMoments,
  names: ReadonlyArray<string> | undefined,
  arm: string
): Moments.Moments => {
  if (names === undefined) {
    if (columns !== undefined) throw new RangeError(`"${arm}" has columns, the other arm hasn't`)
    return moments
  }
  const at = names.map((name) => {
    const i = columns?.indexOf(name) ?? -1
    if (i < 0) {
      throw new RangeError(`"${arm}" has no column "${name}"; its columns are ${columns?.join(", ") ?? "not named"}`)
    }
    return i
  })
  const pick = (m: ReadonlyArray<ReadonlyArray<number>>) => at.map((i) => at.map((j) => m[i]![j]!))
  return {
    n: moments.n,
    sums: at.map((i) => moments.sums[i]!),
    products: pick(moments.products),
    comoments: pick(moments.comoments)
  }
}

const confidenceOf = (request: Fields): number => or(request["confidence"], 0.95, (x) => number(x, "confidence"))

const alternativeOf = (request: Fields): Alternative =>
  or(request["alternative"], "two-sided", (x) => oneOf(x, "alternative", alternatives))

const compareFields = [
  "op",
  "engine",
  "contrast",
  "confidence",
  "alternative",
  "direction",
  "variance",
  "interval",
  "prior",
  "tuning",
  "margin",
  "estimand",
  "control",
  "treatment",
  "strata"
]

/** Both arms' moments: as they are, or post-stratified from those of each stratum. */
const armsOf = (
  request: Fields,
  value: unknown
): {
  readonly control: Moments.Moments
  readonly treatment: Moments.Moments
  readonly estimand: Estimand
  readonly count?: number
} => {
  const read = (from: Fields, at: string) => {
    const [control, treatment] = [
      moments(from["control"], `${at}control`),
      moments(from["treatment"], `${at}treatment`)
    ]
    const { estimand, names } = estimandOf(request["estimand"], control)
    return {
      control: select(control, names, `${at}control`),
      treatment: select(treatment, names, `${at}treatment`),
      estimand
    }
  }
  if (value === undefined) return read(request, "")
  if (request["control"] !== undefined || request["treatment"] !== undefined) {
    throw new RangeError("\"strata\" stands instead of \"control\" and \"treatment\": give the moments of each stratum")
  }
  if (!Array.isArray(value) || value.length === 0) {
    throw new RangeError("\"strata\" must be an array of {control, treatment}, one for each stratum")
  }
  const strata = value.map((one: unknown, i) =>
    read(fields(one, `"strata[${i}]"`, ["control", "treatment"]), `strata[${i}].`)
  )
  const { control, strata: count, treatment } = postStratify(strata)
  return { control, treatment, estimand: strata[0]!.estimand, count }
}

const compare: Operation = (input) => {
  const request = fields(input, "The request", compareFields)
  const engine = engineOf(request)
  const { control, count, estimand, treatment } = armsOf(request, request["strata"])
  const margin = or(request["margin"], undefined, marginOf)
  const answer = engine.analyse({
    control,
    treatment,
    estimand,
    direction: or(request["direction"], "up", (x) => oneOf(x, "direction", ["up", "down", "informational"])),
    confidence: confidenceOf(request),
    contrast: or(request["contrast"], "relative", (x) => oneOf(x, "contrast", contrasts)),
    alternative: alternativeOf(request),
    ...(margin === undefined ? {} : { margin })
  })
  return count === undefined ? answer : { ...answer, strata: count }
}

const adjust: Operation = (input) => {
  const request = fields(input, "The request", ["op", "method", "p_values", "log_e", "confidence"])
  if (request["method"] === "average") {
    const log_e = averageLogE(numbers(request["log_e"], "log_e"))
    return { status: "ok", log_e, p_value: Math.min(1, Math.exp(-log_e)) }
  }
  const method = oneOf(request["method"], "method", adjustments)
  if (request["log_e"] !== undefined) {
    if (method !== "e-bh") throw new RangeError("\"log_e\" is for the method e-bh; the others read \"p_values\"")
    return { status: "ok", p_values: adjustLogE(numbers(request["log_e"], "log_e")) }
  }
  const p = numbers(request["p_values"], "p_values")
  const adjusted = adjustPValues(method, p)
  return {
    status: "ok",
    p_values: adjusted,
    ...(request["confidence"] === undefined
      ? {}
      : { confidence: adjustedConfidence(method, p, 1 - confidenceOf(request)) })
  }
}

const planFields = [
  "op",
  "baseline",
  "estimand",
  "effect",
  "n",
  "power",
  "confidence",
  "alternative",
  "allocation",
  "variance_reduction",
  "margin",
  "engine",
  "tuning",
  "fractions",
  "spending"
]

const baselineFrom = (request: Fields): Baseline => {
  const value = request["baseline"]
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    const plain = value as Fields
    if (plain["proportion"] !== undefined) {
      return proportionBaseline(
        number(fields(plain, "\"baseline\"", ["proportion"])["proportion"], "baseline.proportion")
      )
    }
    if (plain["n"] === undefined) {
      const { mean, variance } = fields(plain, "\"baseline\"", ["mean", "variance"])
      return { value: number(mean, "baseline.mean"), variance: number(variance, "baseline.variance") }
    }
  }
  const named = moments(value, "baseline")
  const { estimand, names } = estimandOf(request["estimand"], named)
  const selected = select(named, names, "baseline")
  const found = baselineOf(
    estimand,
    selected,
    estimand.covariate === undefined ? undefined : adjustmentOf(estimand, selected)
  )
  if (found === undefined) throw new RangeError("\"baseline\" has no estimate: it needs 2 identities and a denominator")
  return found
}

const readingOf = (request: Fields): NonNullable<Design["reading"]> => {
  const kind = or(
    request["engine"],
    "fixed",
    (x) => oneOf(x, "engine", ["fixed", "delta", "bayesian", "frequentist", "sequential", "group-sequential"])
  )
  if (kind === "sequential") return { kind, tuning: or(request["tuning"], defaultTuning, (x) => number(x, "tuning")) }
  if (kind !== "group-sequential") return { kind: "fixed" }
  return {
    kind,
    fractions: numbers(request["fractions"], "fractions"),
    spending: or(request["spending"], "obrien-fleming", (x) => oneOf(x, "spending", ["obrien-fleming", "pocock"]))
  }
}

const designOf = (input: Fields): { readonly request: Fields; readonly design: Design } => {
  const request = fields(input, "The request", planFields)
  const margin = or(request["margin"], undefined, marginOf)
  return {
    request,
    design: {
      baseline: baselineFrom(request),
      confidence: confidenceOf(request),
      alternative: alternativeOf(request),
      allocation: or(request["allocation"], [1, 1], (x) => numbers(x, "allocation")),
      varianceReduction: or(request["variance_reduction"], 0, (x) => number(x, "variance_reduction")),
      reading: readingOf(request),
      ...(margin === undefined ? {} : { margin })
    }
  }
}

const effectOf = (value: unknown): TargetEffect => {
  const { on, value: size } = fields(value, "\"effect\"", ["value", "on"])
  return { value: number(size, "effect.value"), on: or(on, "relative", (x) => oneOf(x, "effect.on", contrasts)) }
}

const targetPower = (request: Fields): number => or(request["power"], 0.8, (x) => number(x, "power"))

const impossible = (sentence: string): object => ({ status: "withheld", reason: "not_reachable", sentence })

const power: Operation = (input) => {
  const { design, request } = designOf(input)
  return { status: "ok", power: powerOf(design, effectOf(request["effect"]), number(request["n"], "n")) }
}

const size: Operation = (input) => {
  const { design, request } = designOf(input)
  const effect = effectOf(request["effect"])
  const found = sampleSize(design, effect, targetPower(request))
  return found === undefined
    ? impossible(
      "No sample size finds this effect: it is 0 beyond the margin, or on the side that the alternative doesn't look at."
    )
    : { status: "ok", n: found.n, n_per_arm: found.perArm, power: powerOf(design, effect, found.n) }
}

const mde: Operation = (input) => {
  const { design, request } = designOf(input)
  const n = number(request["n"], "n")
  const found = minimumDetectableEffect(design, n, targetPower(request))
  return found === undefined
    ? impossible(`With ${n} identities no effect is found with this power.`)
    : { status: "ok", relative: found.relative, absolute: found.absolute }
}

const operations: Readonly<Record<string, Operation>> = { compare, adjust, power, sample_size: size, mde }

/**
 * Answers one request, a value read from JSON: `{"op": "compare" | "adjust" | "power" | "sample_size" | "mde", …}` with the fields
 * of docs/statistics.md ("The kernel without a warehouse"). `further` adds operations of other packages (`srm`). The answer is
 * plain JSON data; a request that can't be read gives `{"error": sentence}`.
 */
export const calc = (request: unknown, further: Readonly<Record<string, Operation>> = {}): object => {
  const known = { ...operations, ...further }
  try {
    if (typeof request !== "object" || request === null || Array.isArray(request)) {
      throw new RangeError(`A request must be a JSON object, such as {"op":"compare",…}`)
    }
    const { op } = request as Fields
    if (typeof op !== "string" || !Object.hasOwn(known, op)) {
      throw new RangeError(
        `"op" must be one of ${Object.keys(known).join(", ")}, found ${JSON.stringify(op) ?? "none"}`
      )
    }
    return known[op]!(request as Fields)
  } catch (error) {
    if (error instanceof RangeError) return { error: error.message }
    throw error
  }
}
