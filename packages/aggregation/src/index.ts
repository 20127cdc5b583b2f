/**
 * Aggregations: the contract that a plugin fulfils, and the planner, compiler and decoder that fuse all metrics of an
 * experiment into one statement. Authors need no other import.
 */
export { Duration } from "@assay/model"
export { Schema } from "effect"
export {
  type Aggregation,
  type AggregationDefinition,
  type Binding,
  type BoundAggregation,
  contractVersion,
  type DeclaredSource,
  defineAggregation,
  defineMultiSourceAggregation,
  defineQuantileAggregation,
  type EstimandOf,
  type Feature,
  features,
  hasSources,
  isAggregation,
  NoOptions,
  type Outcome,
  type QuantileDefinition,
  type Reads,
  type Reported,
  type ScopeOf,
  type SourceDeclaration,
  type Sources,
  type SourcesDefinition
} from "./Aggregation.ts"
export { type FoundConstant, type PlannedConstant, withConstants } from "./Constants.ts"
export {
  type Aggregates,
  type CapAggregates,
  decodeAggregates,
  decodeConstants,
  decodeSliceValues,
  decodeUndeclared,
  type Partial,
  type PointAggregates,
  type SliceAggregates,
  type UndeclaredVariants
} from "./decode.ts"
export type { Condition } from "./Filter.ts"
export { levelsAround } from "./levels.ts"
export type { PlannedBreakdown, PlannedSeries } from "./Parts.ts"
export {
  type CheckedMetric,
  checkExperiment,
  checkMapping,
  checkMetric,
  chunked,
  type IdentityPart,
  maximumArms,
  type Measure,
  measures,
  type Plan,
  plan,
  type PlanInput,
  type PlannedCap,
  type PlannedColumn,
  type PlannedCovariate,
  type PlannedMetric,
  type PlannedQuantile,
  type ResolvedSource,
  sampled,
  type Stream,
  withSliceValues
} from "./Plan.ts"
export { type Property, resolveProperty } from "./Property.ts"
export * as Shared from "./Shared.ts"
export {
  compile,
  compileConstants,
  compileMerged,
  compileMergedConstants,
  compileSliceValues,
  compileUndeclared,
  largestValue,
  pinnedSettings,
  tableName
} from "./statement/compile.ts"
export {
  compileCopy,
  compileLook,
  compilePartitions,
  compileSize,
  type Sampling,
  type TableRead,
  tableReads
} from "./statement/reads.ts"
export * as Stored from "./statement/stored.ts"
export { isSharded } from "./statement/table.ts"
export { type Strategy, strategyOf } from "./Strategy.ts"
export { beginTotals, carryTotals, isAsOld, shapeOf, type Totals } from "./totals.ts"
export * as Unit from "./Unit.ts"
