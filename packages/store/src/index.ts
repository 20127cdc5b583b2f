/** Runs and immutable result snapshots behind two services. */
export { migratePostgres, type PostgresOptions } from "./postgres.ts"
export { idAfter, isOpen, Run, RunError, RunProgress, RunReason, RunState } from "./Run.ts"
export {
  type Claim,
  type ClaimInput,
  type RunFilter,
  type RunRequest,
  Runs,
  type RunsShape,
  type Standing
} from "./Runs.ts"
export { encode as encodeSnapshot, Snapshot, SnapshotId } from "./Snapshot.ts"
export { type Listed, type Shape, Store } from "./Store.ts"
export { interrupted, mayGoTogether } from "./transitions.ts"
