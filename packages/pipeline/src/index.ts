/** The orchestrator: definitions in, snapshots out, for one experiment or hundreds. */
export { checkPublish, createResultTables, type Publish, publishTo } from "./publish.ts"
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
export {
  type ResultRow,
  resultRows,
  type ResultTable,
  resultTableDdl,
  resultTableName,
  resultTables
} from "./resultTables.ts"
export { summarize, type SummaryInput } from "./summarize.ts"
