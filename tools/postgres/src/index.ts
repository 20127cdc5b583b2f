/** A PostgreSQL server of one's own, for tests and benchmarks. */
export { binaries } from "./binaries.ts"
export { listens } from "./listens.ts"
export { type PostgresServer, startPostgres } from "./server.ts"
