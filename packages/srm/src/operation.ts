/** The check behind JSON, as an operation of the kernel's calculator. */
import { type Operation, Request } from "@assay/stats"
import { chiSquaredTest } from "./chi-squared.ts"
import { exactTest } from "./exact-multinomial.ts"
import { defaultConcentration, logBayesFactor, sequentialPValue } from "./sequential.ts"
import { leastExpected, residuals, splitOf } from "./shares.ts"

/** Below this expected count χ² isn't to be trusted (Cochran 1954). */
export const exactBelowExpected = 5

/**
 * `{"op":"srm","observed":[…],"expected":[…],"method":"chi2"|"exact"|"sequential","concentration":10000}`: statistic, degrees of
 * freedom, p-value and standardised residuals; sequential adds `log_bayes_factor`. Without a method it is χ², and exact where an
 * expected count is below 5. Arms with share 0 must be empty and are left out, residual 0; identities in one are p = 0.
 */
export const srmOperation: Operation = (input) => {
  const request = Request.fields(input, "The request", ["op", "observed", "expected", "method", "concentration"])
  const observed = Request.numbers(request["observed"], "observed")
  const expected = Request.numbers(request["expected"], "expected")
  if (observed.length !== expected.length || observed.length === 0) {
    throw new RangeError(
      `"observed" and "expected" need one number for each arm, found ${observed.length} and ${expected.length}`
    )
  }
  for (const [name, values] of [["observed", observed], ["expected", expected]] as const) {
    const negative = values.find((x) => x < 0)
    if (negative !== undefined) throw new RangeError(`"${name}" must be at least 0, found ${negative}`)
  }
  const method = Request.or(
    request["method"],
    undefined,
    (x) => Request.oneOf(x, "method", ["chi2", "exact", "sequential"])
  )
  const concentration = Request.or(
    request["concentration"],
    defaultConcentration,
    (x) => Request.number(x, "concentration")
  )
  const used = expected.flatMap((share, i) => (share > 0 ? [i] : []))
  if (used.length === 0) throw new RangeError("\"expected\" needs a share above 0")
  const degrees_of_freedom = used.length - 1
  if (expected.some((share, i) => share === 0 && observed[i]! > 0)) {
    return {
      status: "ok",
      method: method ?? "chi2",
      statistic: null,
      degrees_of_freedom,
      p_value: 0,
      ...(method === "sequential" ? { log_bayes_factor: null } : {}),
      residuals: null
    }
  }
  const split = splitOf(used.map((i) => observed[i]!), used.map((i) => expected[i]!))
  const found = residuals(split)
  const all = expected.map((_, i) => (used.includes(i) ? found[used.indexOf(i)]! : 0))
  const { pValue, statistic } = chiSquaredTest(split)
  const common = { statistic, degrees_of_freedom }
  const chosen = method ?? (leastExpected(split) < exactBelowExpected && split.total > 0 ? "exact" : "chi2")
  if (chosen === "chi2") return { status: "ok", method: chosen, ...common, p_value: pValue, residuals: all }
  if (chosen === "sequential") {
    const log_bayes_factor = logBayesFactor(split, concentration)
    return {
      status: "ok",
      method: chosen,
      ...common,
      p_value: sequentialPValue(log_bayes_factor),
      log_bayes_factor,
      residuals: all
    }
  }
  const exact = exactTest(split)
  return {
    status: "ok",
    method: exact.method,
    ...common,
    p_value: exact.pValue,
    ...(exact.error === undefined ? {} : { p_value_error: exact.error }),
    residuals: all
  }
}
