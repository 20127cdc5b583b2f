/** Benchmarks, run on demand: `npm run bench -- metrics`. */
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
export { measure, type Measured, median, table } from "./measure.ts"
export { metricsBenchmark } from "./metrics.ts"
