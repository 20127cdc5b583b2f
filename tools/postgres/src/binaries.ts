import { existsSync, readdirSync } from "node:fs"
import { delimiter, join } from "node:path"

const debian = "/usr/lib/postgresql"

/**
 * The folder with PostgreSQL's programs: `POSTGRES_BIN`, the newest of Debian's packages, or one on the `PATH`; undefined where there is none.
 */
export const binaries = (): string | undefined => {
  const given = process.env["POSTGRES_BIN"]
  const packaged = existsSync(debian)
    ? readdirSync(debian).toSorted((a, b) => Number(b) - Number(a)).map((version) => join(debian, version, "bin"))
    : []
  return [...(given === undefined ? packaged : [given]), ...(process.env["PATH"] ?? "").split(delimiter)]
    .find((folder) => existsSync(join(folder, "initdb")) && existsSync(join(folder, "postgres")))
}
