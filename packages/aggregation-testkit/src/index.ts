/** The conformance suite of an aggregation: random event streams on a real ClickHouse against a reference in plain TypeScript. */
export { Warehouse } from "@assay/warehouse"
export * as fc from "fast-check"
export { hostileText, oddNumbers, rows, valueText, type World, world } from "./arbitrary.ts"
export { checkAggregation } from "./checkAggregation.ts"
export {
  aggregatesOf,
  differences,
  mergedAggregatesOf,
  momentDifferences,
  planOf,
  type TestMetric
} from "./conformance.ts"
export { describeAggregation } from "./describeAggregation.ts"
export {
  clearEvents,
  createEventTable,
  type EventRow,
  insertEvents,
  type TableEngine,
  testMapping
} from "./EventRow.ts"
export { propertyText, satisfies } from "./filters.ts"
export { maximum, ratio, type Subject } from "./neighbours.ts"
export {
  reference,
  type ReferenceCap,
  type ReferenceEvent,
  type ReferenceExperiment,
  type ReferenceMetric,
  type ReferenceResult,
  type ReferenceSource,
  type ReferenceSources,
  type ReferenceUnit,
  usableNumber
} from "./reference.ts"
export type { AggregationSuite } from "./Trial.ts"
