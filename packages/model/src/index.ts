/**
 * The words that all packages share: experiments, metrics, moments, inferences, the results summary, and the errors.
 * Plain data and Schemas; no IO.
 */
export { Decision, DecisionWord, PlanState, Reason, TreatmentDecision } from "./Decision.ts"
export { decode, describe, nameList, suggest, type ValueIssue } from "./decode.ts"
export * as Duration from "./Duration.ts"
export {
  type AssayError,
  DecodeError,
  DefinitionError,
  type DefinitionIssue,
  formatIssue,
  PlanError,
  QueryLimitExceeded,
  QueryRejected,
  StoreError,
  type WarehouseError,
  WarehouseUnavailable
} from "./errors.ts"
export { Display, EstimandKind, type Floor } from "./Estimand.ts"
export { ClusterMapping, Deduplication, defaultEventMapping, EventMapping, ExposureTable } from "./EventMapping.ts"
export { dimensionsOf, Experiment, MetricUse, Role, SplitChange, treatments, Variant } from "./Experiment.ts"
export { Finding, Severity } from "./Finding.ts"
export { type Comparison, Inference, Withheld, WithheldReason } from "./Inference.ts"
export * as Instant from "./Instant.ts"
export { Key } from "./Key.ts"
export { Cap, Covariate, Direction, Filter, FilterOperator, Metric, type Scalar, Source } from "./Metric.ts"
export { MetricResult, VariantMoments, VerdictWord, WireInference, WireWithheld } from "./MetricResult.ts"
export * as Moments from "./Moments.ts"
export {
  type Outlook,
  type OutlookAnswer,
  type OutlookEffect,
  type OutlookFigures,
  type OutlookMetric,
  type OutlookPoint,
  type OutlookSize,
  type OutlookTarget,
  type OutlookTraffic,
  type OutlookUnknown,
  outlookVersion
} from "./Outlook.ts"
export {
  Correction,
  DecisionPolicy,
  defaultDecisionPolicy,
  defaultMultiplicity,
  EngineChoice,
  EngineName,
  Multiplicity,
  Prior
} from "./Policy.ts"
export { recordOf } from "./record.ts"
export { Design, EffectSize, Horizon, horizonMillis, lookFractions, RecordedPlan } from "./RecordedPlan.ts"
export { defaultRefresh, Refresh } from "./Refresh.ts"
export {
  MemoryMode,
  Provenance,
  RefreshMode,
  ResultsSummary,
  schemaVersion,
  SharedRead,
  SrmResult,
  VariantResult
} from "./ResultsSummary.ts"
export { Series, SeriesPoint } from "./Series.ts"
export { Breakdown, PartialMetric, Slice } from "./Slices.ts"
export type { Statement } from "./Statement.ts"
