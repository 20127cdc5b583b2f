/** Identities without events: their accumulators are all 0, so that their moments are known. */
import type { Moments } from "@assay/model"
import type { Measure, PlannedColumn } from "./Plan.ts"

/** The value of a unit column for an identity without events, in an arm by its rank. */
const valueOf = (column: PlannedColumn, arm: number): number => {
  switch (column.kind) {
    case "planned":
    case "size":
    case "atMost":
      return 0
    case "constant":
      return column.value
    case "ofArm":
      return column.values[arm]!
    case "trait":
    case "hasTrait":
    case "found":
    case "list":
      throw new RangeError(`An identity without events doesn't say what its column of kind ${column.kind} is`)
    default: {
      const [left, right] = [valueOf(column.left, arm), valueOf(column.right, arm)]
      switch (column.kind) {
        case "add":
          return left + right
        case "subtract":
          return left - right
        case "multiply":
          return left * right
        case "divide":
          return right === 0 ? 0 : left / right
        case "least":
          return Math.min(left, right)
        case "greatest":
          return Math.max(left, right)
        case "atLeast":
          return left >= right ? 1 : 0
      }
    }
  }
}

/** The moments of `n` identities of an arm (by its rank) that have no events. */
export const eventlessMoments = ({ columns }: Measure, arm: number, n: number): Moments.Moments => {
  const values = columns.map((column) => valueOf(column, arm))
  return {
    n,
    sums: values.map((a) => n * a),
    products: values.map((a) => values.map((b) => n * a * b)),
    comoments: values.map(() => values.map(() => 0))
  }
}
