/** The orchestrator: definitions in, snapshots out, for one experiment or hundreds. */
export { multipleVariantsWarning, namelessWarning, qualityFindings } from "./quality.ts"
export {
  type Failure,
  type Job,
  recompute,
  recomputeAll,
  type RecomputeContext,
  type Recomputed,
  type RunEvent,
  statementHash,
  type Watcher
} from "./recompute.ts"
export { summarize, type SummaryInput } from "./summarize.ts"
