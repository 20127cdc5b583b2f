/** May results be written, where the configuration says that they are? */
import { checkPublish, resultTableName, resultTables } from "@assay/pipeline"
import { Warehouse } from "@assay/warehouse"
import { Effect, Result } from "effect"
import { aboutResults, resultsWarehouse } from "../engine.ts"
import type { Project } from "../project.ts"
import { broken, type Check, fine } from "./Check.ts"
import { firstAnswer, quoted, wayChecks } from "./connection.ts"

const said = (project: Project, { mend, name, ...check }: Check): Check => ({
  ...check,
  name: `Results ${name.toLowerCase()}`.replace(" tls", " TLS").replace(" http", " HTTP"),
  said: aboutResults(project, check.said),
  ...(mend === undefined ? {} : { mend: aboutResults(project, mend) })
})

const writeCheck = (project: Project, user: string) =>
  Effect.gen(function*() {
    const { results, warehouse: own } = project.config
    const { database } = results === undefined || results === true ? own : results
    const warehouse = yield* resultsWarehouse(project)
    if (warehouse === undefined) return []
    const found = yield* Effect.result(checkPublish(warehouse))
    const names = resultTables.map(({ name }) => name).join(", ")
    if (Result.isSuccess(found)) return [fine("Results", `may be written to ${names}`)]
    const { hint, message } = found.failure
    const code = found.failure._tag === "QueryRejected" ? found.failure.clickhouseCode : undefined
    return [
      broken(
        "Results",
        `recompute can't write them: ${message}`,
        code === 60 || code === 16
          ? "Make the tables, or bring them to this version, with `assay init --warehouse --yes`"
          : code === 497 && user !== ""
          ? resultTables.map((table) => `GRANT INSERT ON ${resultTableName(table, database)} TO ${quoted(user)};`)
            .join(" ")
          : code === 164
          ? "This user may only read: set `results` to a connection of a user who may write"
          : aboutResults(project, hint)
      )
    ]
  })

/** The connection for results, where it is another one, and the right to write. `user` is that of the warehouse. */
export const resultsChecks = Effect.fn("doctor.results")(function*(project: Project, user: string) {
  const { results } = project.config
  if (results === undefined) return []
  if (results === true) return yield* Effect.scoped(writeCheck(project, user))
  const way = (yield* wayChecks(results)).map((check) => said(project, check))
  if (way.some((check) => !check.ok)) return way
  const first = yield* Effect.result(
    Warehouse.use((warehouse) => firstAnswer(warehouse, results)).pipe(Effect.provide(Warehouse.layer(results)))
  )
  if (Result.isFailure(first)) {
    const { hint, message } = first.failure
    return [...way, broken("Results", aboutResults(project, message), aboutResults(project, hint))]
  }
  const answers = first.success.checks.map((check) => said(project, check))
  return answers.some((check) => !check.ok)
    ? [...way, ...answers]
    : [...way, ...answers, ...(yield* Effect.scoped(writeCheck(project, first.success.user)))]
})
