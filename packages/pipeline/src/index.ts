/** The orchestrator: definitions in, snapshots out, for one experiment or hundreds. */
export {
  type Advice,
  advise,
  type Advised,
  type AdviseInput,
  type Cost,
  type Gain,
  type Saving,
  savingsOf,
  type TableAdvice
} from "./advice/advise.ts"
export { factsOf, type TableFacts } from "./advice/facts.ts"
export { ddlOf, type Proposal } from "./advice/proposals.ts"
export { estimandOf } from "./compareArms.ts"
export { decide, type DecideInput } from "./decision/decide.ts"
export { type Evidence, judge, type Judged, type JudgeInput, levelOf } from "./decision/judge.ts"
export { type Course, type DecisiveTest, type Reading, readingOf } from "./decision/reading.ts"
export { fingerprint, fingerprints, fingerprintStatement } from "./fingerprint.ts"
export { refresh, type Refreshed, type StateContext } from "./incremental/refresh.ts"
export { dropStates, listStates, type StateEntry } from "./incremental/states.ts"
export { isTooLarge } from "./ladder.ts"
export { type Look, look, type LookInput } from "./look.ts"
export { type ExpectedBaseline, type OutlookInput, outlookOf } from "./outlook/outlook.ts"
export { trafficOf } from "./outlook/traffic.ts"
export { breakdownsOf, type PartsInput, seriesOf } from "./parts.ts"
export { checkPublish, createResultTables, type Publish, publishTo } from "./publish.ts"
export { multipleVariantsWarning, namelessWarning, qualityFindings, silenceByChance, usualSilence } from "./quality.ts"
export {
  type Failure,
  type Job,
  type ReadTogether,
  recompute,
  recomputeAll,
  type RecomputeContext,
  type Recomputed,
  recomputeEach,
  type RunEvent,
  statementHash,
  type Watcher
} from "./recompute.ts"
export { type Moved, movedNumbers, replay, type Replayed, statedNumbers } from "./replay.ts"
export {
  type ResultRow,
  resultRows,
  type ResultTable,
  resultTableDdl,
  resultTableName,
  resultTables,
  resultTableUpgrade
} from "./resultTables.ts"
export { largeFrom, mostTogether, planReads, type ReadInput, type ReadPlan, sizeOf } from "./sharedReads.ts"
export { summarize, type SummaryInput } from "./summarize.ts"
