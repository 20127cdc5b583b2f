/**
 * Aggregations: the contract that a plugin fulfils, and the planner, compiler and decoder that fuse all metrics of an
 * experiment into one statement. Authors need no other import.
 */
export { Schema } from "effect"
export {
  type Aggregation,
  type AggregationDefinition,
  type BoundAggregation,
  contractVersion,
  defineAggregation,
  type EstimandOf,
  isAggregation,
  NoOptions
} from "./Aggregation.ts"
export { type Aggregates, decodeAggregates, decodeUndeclared, type UndeclaredVariants } from "./decode.ts"
export { checkFilter, type Condition } from "./Filter.ts"
export {
  checkExperiment,
  checkMapping,
  checkMetric,
  maximumArms,
  type Plan,
  plan,
  type PlanInput,
  type PlannedMetric,
  type Stream
} from "./Plan.ts"
export { type Property, resolveProperty } from "./Property.ts"
export {
  compile,
  compileMerged,
  compileUndeclared,
  largestValue,
  pinnedSettings,
  tableName
} from "./statement/compile.ts"
export { isSharded } from "./statement/table.ts"
export * as Unit from "./Unit.ts"
