/** `assay calc`: the stats kernel without a warehouse. One JSON object per line in, one out. */
import { srmOperation } from "@assay/srm"
import { calc } from "@assay/stats"
import { Effect } from "effect"
import { once } from "node:events"
import { createInterface } from "node:readline"

/** The answer to one line, as one line. */
export const answerLine = (line: string): string => {
  let request: unknown
  try {
    request = JSON.parse(line)
  } catch (error) {
    return JSON.stringify({ error: `The line isn't JSON: ${error instanceof Error ? error.message : String(error)}` })
  }
  return JSON.stringify(calc(request, { srm: srmOperation }))
}

/** Answers the lines of `input` in order, skipping empty ones, no faster than `output` takes them. */
export const answerLines = async (input: NodeJS.ReadableStream, output: NodeJS.WritableStream): Promise<void> => {
  for await (const line of createInterface({ input, crlfDelay: Infinity })) {
    if (line.trim() === "") continue
    if (!output.write(`${answerLine(line)}\n`)) await once(output, "drain")
  }
}

/** Reads stdin to its end. */
export const runCalc: Effect.Effect<void> = Effect.promise(() => answerLines(process.stdin, process.stdout))

/** Requests of the help text, each a line of its own. */
export const calcExamples: ReadonlyArray<{ readonly shows: string; readonly request: string }> = [
  {
    shows: "A lift with its interval and test",
    request:
      `{"op":"compare","engine":"frequentist","control":{"n":1000,"sum":100,"sum_squares":100},"treatment":{"n":1000,"sum":120,"sum_squares":120}}`
  },
  {
    shows: "The default engine with a prior, and the chance of more than 1 %",
    request:
      `{"op":"compare","prior":{"mean":0,"sd":0.3,"on":"relative"},"margin":{"value":0.01,"on":"relative"},"control":{"n":1000,"mean":5,"variance":9},"treatment":{"n":1000,"mean":5.2,"variance":9}}`
  },
  {
    shows: "A ratio, adjusted for a covariate",
    request:
      `{"op":"compare","estimand":{"numerator":"revenue","denominator":"orders","covariate":"before"},"control":{"n":500,"columns":["revenue","orders","before"],"mean":[20,2,18],"covariance":[[90,6,50],[6,1,4],[50,4,80]]},"treatment":{"n":500,"columns":["revenue","orders","before"],"mean":[22,2,19],"covariance":[[95,6,52],[6,1,4],[52,4,82]]}}`
  },
  {
    shows: "Looked at every day",
    request:
      `{"op":"compare","engine":"sequential","tuning":5000,"contrast":"absolute","alternative":"greater","control":{"n":4000,"sum":400,"sum_squares":400},"treatment":{"n":4000,"sum":470,"sum_squares":470}}`
  },
  { shows: "A sample ratio", request: `{"op":"srm","observed":[821588,815482],"expected":[1,1],"method":"chi2"}` },
  {
    shows: "A sample ratio looked at every day",
    request: `{"op":"srm","observed":[5100,4900],"expected":[1,1],"method":"sequential","concentration":10000}`
  },
  {
    shows: "Post-stratified by platform",
    request:
      `{"op":"compare","engine":"frequentist","strata":[{"control":{"n":800,"sum":40,"sum_squares":40},"treatment":{"n":700,"sum":42,"sum_squares":42}},{"control":{"n":200,"sum":60,"sum_squares":60},"treatment":{"n":300,"sum":96,"sum_squares":96}}]}`
  },
  { shows: "Many tests", request: `{"op":"adjust","method":"holm","p_values":[0.01,0.04,0.03]}` },
  {
    shows: "Evidence of several always-valid tests in one",
    request: `{"op":"adjust","method":"average","log_e":[2.1,0.4,-1.2]}`
  },
  {
    shows: "How many identities for 5 % more of a 10 % rate",
    request: `{"op":"sample_size","baseline":{"proportion":0.1},"effect":{"value":0.05,"on":"relative"},"power":0.8}`
  },
  {
    shows: "What 20,000 identities find",
    request: `{"op":"mde","baseline":{"mean":12,"variance":400},"n":20000,"power":0.8,"variance_reduction":0.3}`
  },
  {
    shows: "How likely they find it",
    request:
      `{"op":"power","baseline":{"proportion":0.1},"effect":{"value":0.01,"on":"absolute"},"n":20000,"engine":"group-sequential","fractions":[0.5,1],"spending":"pocock"}`
  }
]

/** What `assay calc --help` says. */
export const calcHelp =
  `The stats kernel without a warehouse: one JSON object per line on stdin, one per line on stdout, in order. A bad line
gets {"error":"…"} on its line, and the rest go on. A number that can't be given is {"status":"withheld","reason":"…",…}; an
infinite bound is null.

op             fields
compare        control, treatment: moments (below)
               engine: bayesian (default), delta, frequentist, sequential
               contrast: relative (default), absolute    confidence: 0.95    direction: up, down, informational
               alternative: two-sided (default), greater, less
               variance: welch (default), pooled         interval: fieller (default), delta   (frequentist)
               prior: {mean, sd, on: relative | absolute}   (bayesian; flat without)
               tuning: 5000   (sequential: the n over both arms where it is narrowest)
               margin: {value, on: relative | absolute}   the effect under the null, such as -0.01 for non-inferiority
               estimand: {numerator, denominator, covariate, covariate_denominator: names of columns;
                          kind: mean, proportion, ratio}
               strata: [{control, treatment}, …] instead of both: post-stratified by a slice
srm            observed: counts, expected: shares, method: chi2, exact, sequential, concentration: 10000
adjust         method: bonferroni, holm, hochberg, hommel, benjamini-hochberg, benjamini-yekutieli, e-bh
               p_values (or log_e for e-bh); with confidence also that of the matching intervals
               method: average   log_e of several tests in one, with its p-value
sample_size    baseline: {proportion}, {mean, variance} or moments with estimand; effect: {value, on}; power: 0.8
power          baseline, effect, n (over all arms)
mde            baseline, n, power
               these three: confidence, alternative, margin, allocation: [1, 1] (the control first), variance_reduction: 0,
               engine: frequentist (default), sequential (tuning), group-sequential (fractions, spending: obrien-fleming | pocock)

moments        {n, sum, sum_squares}, {n, mean, variance} (sample variance), or with several columns
               {n, columns, sum, products} or {n, columns, mean, covariance}

Examples (each is one line of input):

${calcExamples.map(({ request, shows }) => `${shows}\n  ${request}`).join("\n")}`
