/** A process that starts a server, says where, and lives until it is killed. */
import { startPostgres } from "@assay/postgres"

// A listener keeps the process alive.
process.on("message", () => undefined)
process.send?.((await startPostgres()).url)
