/** Benchmarks, run on demand: `npm run bench -- metrics`. */
export { aggregationCoverage, aggregations, type CoverageRow } from "./aggregations.ts"
export {
  calibration,
  type CalibrationRow,
  fixedCalibration,
  peekingCalibration,
  type PeekingRow,
  speed,
  type SpeedRow
} from "./calibration.ts"
export { makeEvents, type Size } from "./data.ts"
export { decisionCalibration, type DecisionRow, decisions } from "./decisions.ts"
export { type Death, type Entry, overlaps, type Stage, type Stretch, stretchesOf } from "./fleet/Fleet.ts"
export {
  type Fault,
  faultsByChance,
  faultsInOrder,
  killRunners,
  type KillsInput,
  type KillsReport
} from "./fleet/kills.ts"
export { manyBenchmark, type ManySize } from "./many.ts"
export { measure, type Measured, median, table } from "./measure.ts"
export { compareShapes, metricsBenchmark, partsBenchmark, sumPlan } from "./metrics.ts"
export { summaryBenchmark, type SummarySize } from "./summary.ts"
export { watchedBenchmark } from "./watched.ts"
