/** Exit code 0 where PostgreSQL's programs are there, 1 where they aren't. */
import { binaries } from "./binaries.ts"

process.exitCode = binaries() === undefined ? 1 : 0
