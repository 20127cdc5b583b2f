/** ClickHouse, embedded or a server, as one Effect service. */
export { classifyError, type FailureContext, isTransient } from "./classifyError.ts"
export { type QueryResult, type QueryStatistics, type Row } from "./decodeResult.ts"
export { type Estimate, overLimit, type TableEstimate } from "./estimate.ts"
export * as Limits from "./limits.ts"
export { probe, type ProbeStep } from "./probe.ts"
export { spillSettings } from "./settings.ts"
export {
  type CommandOptions,
  type InsertOptions,
  type QueryOptions,
  type QueryProgress,
  Warehouse,
  type WarehouseShape
} from "./Warehouse.ts"
export { SecretSource, WarehouseConfig, WarehouseLimits } from "./WarehouseConfig.ts"
