/** May results be written, where the configuration says that they are? */
import { checkPublish, resultTableName, resultTables } from "@assay/pipeline"
import { Warehouse } from "@assay/warehouse"
import { Effect, Result } from "effect"
import { aboutResults, resultsWarehouse } from "../engine.ts"
import type { Project } from "../project.ts"
import { broken, type Check, fine } from "./Check.ts"
import { firstAnswer, quoted, wayChecks } from "./connection.ts"
import { tableChecks } from "./tables.ts"

const said = ({ mend, name, ...check }: Check): Check => ({
  ...check,
  name: `Results ${name.toLowerCase()}`.replace(" tls", " TLS").replace(" http", " HTTP"),
  said: aboutResults(check.said),
  ...(mend === undefined ? {} : { mend: aboutResults(mend) })
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
        code === 497 && user !== ""
          ? resultTables.map((table) => `GRANT INSERT ON ${resultTableName(table, database)} TO ${quoted(user)};`)
            .join(" ")
          : code === 164
          ? "This user may only read: set `results` to a connection of a user who may write"
          : hint
      )
    ]
  })

/** May the user that keeps states read what they are made of, which another one reads for all else? */
const statesCheck = (project: Project, user: string, home: string | undefined) =>
  Effect.gen(function*() {
    const warehouse = yield* resultsWarehouse(project)
    if (project.config.incremental === undefined || warehouse === undefined) return []
    const wrong = (yield* tableChecks(warehouse, project.config.mapping, user, home)).filter((check) => !check.ok)
    return wrong.length > 0
      ? wrong.map((check) => ({ ...check, name: `States' ${check.name.toLowerCase()}` }))
      : [fine("States", "may be made of the events, through the connection for results")]
  })

/** The connection for results, where it is another one, and the right to write. `user` is that of the warehouse. */
export const resultsChecks = Effect.fn("doctor.results")(function*(project: Project, user: string) {
  const { results } = project.config
  if (results === undefined) return []
  if (results === true) return yield* Effect.scoped(writeCheck(project, user))
  const way = (yield* wayChecks(results)).map(said)
  if (way.some((check) => !check.ok)) return way
  const first = yield* Effect.result(
    Warehouse.use((warehouse) => firstAnswer(warehouse, results)).pipe(Effect.provide(Warehouse.layer(results)))
  )
  if (Result.isFailure(first)) {
    const { hint, message } = first.failure
    return [...way, broken("Results", aboutResults(message), aboutResults(hint))]
  }
  const answers = first.success.checks.map(said)
  return answers.some((check) => !check.ok)
    ? [...way, ...answers]
    : [
      ...way,
      ...answers,
      ...(yield* Effect.scoped(writeCheck(project, first.success.user))),
      ...(yield* Effect.scoped(statesCheck(project, first.success.user, results.database)))
    ]
})
