/**
 * Identities without events: where the statement counts all identities apart from those that have an event (`talliedMoments`), the
 * difference is of identities whose accumulators are all 0, so that their moments are known.
 */
import { count, type Row } from "./cells.ts"
import { measures, type Plan, type PlannedColumn } from "./Plan.ts"
import { countColumn, momentColumns, ripeTimes } from "./statement/moments.ts"

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

/** Whether a row is one of {@link withEventless}. */
export const isEventless = (row: Row): boolean => Object.hasOwn(row, "tally") && count(row, "tally") === 1

/** The moments of `n` identities with the same values, in the columns of a measure. */
const momentsOf = (values: ReadonlyArray<number>, m: number, n: number): Row =>
  Object.fromEntries(values.flatMap((a, i) => [
    [momentColumns(m, i, i).sum, n * a],
    ...values.slice(i).flatMap((b, step) => {
      const { comoment, product } = momentColumns(m, i, i + step)
      return [[product, n * a * b], [comoment, 0]]
    })
  ]))

/**
 * The rows of an answer with those that tally all identities replaced by rows of the identities without events. Rows without a tally are
 * given back as they are. An exposure that arrives between the two reads of a statement is taken as having come before both.
 */
export const withEventless = (plan: Plan, rows: ReadonlyArray<Row>): ReadonlyArray<Row> => {
  const [tallies, own] = [rows.filter(isEventless), rows.filter((row) => !isEventless(row))]
  if (tallies.length === 0) return rows
  const keyOf = (row: Row) => [count(row, "place"), count(row, "arm"), count(row, "part")].join()
  const eventful = Map.groupBy(own, keyOf)
  const all = measures(plan)
  const ripe = ripeTimes(all)
  const counted = ["n", ...ripe.map((_, i) => `n${i}`)]
  const sum = (some: ReadonlyArray<Row>, column: string) => some.reduce((total, row) => total + count(row, column), 0)
  const eventless = [...Map.groupBy(tallies, keyOf)].map(([key, same]): Row => {
    const [first] = same
    const arm = count(first!, "arm")
    const rest = Object.fromEntries(
      counted.map((column) => [column, Math.max(0, sum(same, column) - sum(eventful.get(key) ?? [], column))])
    )
    return {
      ...first,
      ...rest,
      nameless_exposures: sum(same, "nameless_exposures"),
      undeclared: sum(same, "undeclared"),
      ...Object.assign(
        {},
        ...all.map((measure, m) =>
          momentsOf(measure.columns.map((column) => valueOf(column, arm)), m, rest[countColumn(measure, ripe)]!)
        )
      )
    }
  })
  return [...own, ...eventless]
}
