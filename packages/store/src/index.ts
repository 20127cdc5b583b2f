/** Immutable result snapshots behind one service. */
export { Snapshot, SnapshotId } from "./Snapshot.ts"
export { type Listed, type Shape, Store } from "./Store.ts"
