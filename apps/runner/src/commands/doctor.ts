/** `assay doctor`: does everything that a recompute needs work, and how is it mended if not? */
import { Warehouse } from "@assay/warehouse"
import { Effect, Option, Result } from "effect"
import { accessSync, constants, existsSync } from "node:fs"
import { dirname, join } from "node:path"
import { broken, type Check, fine } from "../checks/Check.ts"
import { embeddedCheck, firstAnswer, stopCheck, wayChecks } from "../checks/connection.ts"
import { resultsChecks } from "../checks/results.ts"
import { tableChecks } from "../checks/tables.ts"
import { warehouseLayer } from "../engine.ts"
import { Failed } from "../Failed.ts"
import { print, printJson } from "../output.ts"
import { loadDefinitions, loadProject, type Project, shown } from "../project.ts"
import { runsLayer, storeName } from "../store.ts"
import { version } from "../version.ts"

const counted = (n: number, one: string): string => `${n} ${one}${n === 1 ? "" : "s"}`

const nodeCheck = (): Check => {
  const major = Number(process.versions.node.split(".")[0])
  return major >= 24
    ? fine("Node", `${process.version}, assay ${version}`)
    : broken("Node", process.version, "Install Node 24 or newer")
}

const storeCheck = Effect.fn("doctor.store")(function*(project: Project) {
  const { store } = project.config
  const opens = Effect.result(Effect.provide(Effect.void, runsLayer(project))).pipe(
    Effect.map((opened) =>
      Result.isSuccess(opened)
        ? fine("Store", storeName(project))
        : broken("Store", opened.failure.message, opened.failure.hint)
    )
  )
  if ("postgres" in store) return yield* opens
  const file = "folder" in store ? join(store.folder, "runs.sqlite") : store.file
  let folder = dirname(file)
  while (!existsSync(folder)) folder = dirname(folder)
  const writable = Result.try(() => accessSync(folder, constants.W_OK))
  return Result.isSuccess(writable)
    // One that isn't there yet is made when something is kept.
    ? existsSync(file) ? yield* opens : fine("Store", storeName(project))
    : broken(
      "Store",
      `${shown(folder)} can't be written`,
      "Give this user the right to write there, or set another `store`"
    )
})

const warehouseChecks = Effect.fn("doctor.warehouse")(function*(project: Project) {
  const { mapping, warehouse: config } = project.config
  const way = yield* wayChecks(config)
  if (way.some((check) => !check.ok)) return [...way, ...embeddedCheck(config)]
  const answers = yield* Effect.result(
    Effect.gen(function*() {
      const warehouse = yield* Warehouse
      const { checks, user } = yield* firstAnswer(warehouse, config)
      if (checks.some((check) => !check.ok && check.name !== "Warehouse") || user === "") return checks
      return [
        ...checks,
        ...(yield* tableChecks(warehouse, mapping, config.url === undefined ? "" : user, config.database)),
        ...(config.url === undefined ? [] : yield* stopCheck(warehouse, user)),
        ...(yield* resultsChecks(project, user))
      ]
    }).pipe(Effect.provide(warehouseLayer(project)))
  )
  const found = Result.isSuccess(answers)
    ? answers.success
    : [broken("Warehouse", answers.failure.message, answers.failure.hint)]
  return [...way, ...found, ...embeddedCheck(config)]
})

/** Looks at everything and says how to mend what is broken; fails with exit code 1 when something is. */
export const runDoctor = Effect.fn("command.doctor")(
  function*(input: { readonly config: Option.Option<string>; readonly json: boolean }) {
    const given = Option.getOrUndefined(input.config)
    const checks: Array<Check> = [nodeCheck()]
    const project = yield* Effect.result(loadProject(given))
    if (Result.isFailure(project)) {
      checks.push(broken("Configuration", project.failure.message, project.failure.hint))
    } else {
      checks.push(fine("Configuration", shown(project.success.file)))
      const definitions = yield* Effect.result(loadDefinitions(given))
      if (Result.isFailure(definitions)) {
        checks.push(broken("Definitions", definitions.failure.message, definitions.failure.hint))
      } else {
        const { experiments, metrics } = definitions.success.definitions
        checks.push(
          fine("Definitions", `${counted(experiments.size, "experiment")}, ${counted(metrics.size, "metric")}`)
        )
      }
      checks.push(...(yield* warehouseChecks(project.success)), yield* storeCheck(project.success))
    }
    const ok = checks.every((check) => check.ok)
    if (input.json) {
      yield* printJson({ schema: "assay.doctor/1", ok, checks })
    } else {
      yield* print(
        checks.map(({ mend, name, ok: good, said, warning }) => {
          const lines = said.split("\n").join("\n       ")
          return `${warning === true ? "warn  " : good ? "ok    " : "BROKEN"} ${name}: ${lines}${
            mend === undefined ? "" : `\n       ${mend}`
          }`
        }).join("\n")
      )
    }
    if (!ok) return yield* new Failed({ exitCode: 1 })
  }
)
