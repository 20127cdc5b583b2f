/** `assay explain --all`: which experiments a recompute of all reads together, and what that saves. */
import { compile, Shared, withConstants } from "@assay/aggregation"
import { nameList, type Statement } from "@assay/model"
import { largeFrom, planReads, sizeOf } from "@assay/pipeline"
import { Store } from "@assay/store"
import { type Estimate, Warehouse } from "@assay/warehouse"
import { Clock, Effect, Option, Result } from "effect"
import { bytesText } from "../cost.ts"
import { warehouseLayer } from "../engine.ts"
import { print, printJson } from "../output.ts"
import { hasStarted, planOf } from "../planning.ts"
import type { LoadedProject } from "../project.ts"
import { storeLayer } from "../store.ts"

type Reads = Pick<Estimate, "rows" | "bytes">

const sum = (all: ReadonlyArray<Reads>): Reads => {
  const bytes = all.every((one) => one.bytes !== undefined)
    ? all.reduce((total, one) => total + one.bytes!, 0)
    : undefined
  return { rows: all.reduce((total, { rows }) => total + rows, 0), ...(bytes === undefined ? {} : { bytes }) }
}

const readsText = ({ bytes, rows }: Reads): string =>
  `about ${rows.toLocaleString("en-US")} rows${bytes === undefined ? "" : ` (${bytesText(bytes)})`}`

/** A statement of the run: for several experiments, or for one of them and why for it alone. */
interface Read {
  readonly experiments: ReadonlyArray<string>
  readonly because: string | undefined
  readonly statement: Statement
  readonly apart: ReadonlyArray<Statement>
}

/** Why no experiment of a project is read together with another; undefined where some may be. */
const never = ({ config }: LoadedProject): string | undefined =>
  config.incremental !== undefined
    ? "states are kept (incremental), and it is answered from its own"
    : config.defaults.shared_reads
    ? undefined
    : "defaults.shared_reads is false"

/** Prints how all experiments that have started would be read, with what each statement reads as ClickHouse expects it. */
export const explainReads = Effect.fn("command.explainReads")(
  function*(project: LoadedProject, names: readonly [string, ...Array<string>], json: boolean) {
    const asOf = yield* Clock.currentTimeMillis
    const due = names.filter((name) => hasStarted(project, name, asOf))
    const planned = due.map((name) => ({ name, result: planOf(project, name, asOf) }))
    const plans = planned.flatMap(({ result }) => (Result.isSuccess(result) ? [result.success] : []))
    const started = plans.map(({ experiment }) => experiment.key)
    const inputs = yield* Effect.forEach(
      plans,
      (one) =>
        Store.use((store) => store.latest(one.experiment.key)).pipe(
          Effect.orElseSucceed(() => Option.none()),
          Effect.map((latest) => ({ plan: one, ...sizeOf(Option.getOrUndefined(latest)?.summary) }))
        )
    ).pipe(Effect.provide(storeLayer(project)))
    const refused = never(project)
    const { alone, together } = refused === undefined
      ? planReads(inputs)
      : { together: [], alone: inputs.map((_, at) => ({ at, because: refused })) }
    const own = (at: number) => compile(withConstants(plans[at]!, []))
    const reads: ReadonlyArray<Read> = [
      ...together.map((group): Read => ({
        experiments: group.map((at) => started[at]!),
        because: undefined,
        statement: Shared.compileShared(Shared.share(group.map((at) => plans[at]!))),
        apart: group.map(own)
      })),
      ...alone.map(({ at, because }): Read => ({
        experiments: [started[at]!],
        because,
        statement: own(at),
        apart: [own(at)]
      }))
    ]
    const estimate = (statement: Statement) => Warehouse.use((warehouse) => warehouse.estimate(statement))
    const estimated = yield* Effect.result(
      Effect.forEach(reads, ({ apart, because, statement }) =>
        Effect.gen(function*() {
          const reading = yield* estimate(statement)
          return { reading, apart: because === undefined ? sum(yield* Effect.forEach(apart, estimate)) : reading }
        })).pipe(Effect.provide(warehouseLayer(project)))
    )
    const expected = (i: number) => (Result.isSuccess(estimated) ? estimated.success[i] : undefined)
    const total = Result.isSuccess(estimated)
      ? {
        reading: sum(estimated.success.map(({ reading }) => reading)),
        apart: sum(estimated.success.map(({ apart }) => apart))
      }
      : undefined
    if (json) {
      const reading = (one: Reads | undefined) =>
        one === undefined ? null : { rows: one.rows, ...(one.bytes === undefined ? {} : { bytes: one.bytes }) }
      return yield* printJson({
        schema: "assay.explain-reads/1",
        experiments: started.length,
        reads: reads.map(({ because, experiments, statement }, i) => ({
          experiments,
          ...(because === undefined ? {} : { because }),
          statement,
          estimate: reading(expected(i)?.reading),
          estimate_apart: reading(expected(i)?.apart)
        })),
        estimate: reading(total?.reading),
        estimate_apart: reading(total?.apart)
      })
    }
    const counted = (n: number, one: string) => `${n.toLocaleString("en-US")} ${one}${n === 1 ? "" : "s"}`
    const unsized = refused === undefined
      ? inputs.filter(({ identities, plan }) => identities === undefined && Shared.refusal(plan) === undefined).length
      : 0
    yield* print(
      [
        started.length === 0
          ? due.length === 0
            ? "No experiment has started, so `assay recompute --all` would read nothing."
            : "No experiment that has started can be planned, so `assay recompute --all` would read nothing."
          : `\`assay recompute --all\` reads ${counted(started.length, "experiment")} by ${
            counted(reads.length, "statement")
          }` +
            (total === undefined
              ? "."
              : together.length === 0
              ? `: ${readsText(total.reading)}.`
              : `: ${readsText(total.reading)} instead of ${readsText(total.apart).replace("about ", "")}.`),
        ...(unsized > 1
          ? [
            `${
              counted(unsized, "experiment")
            } have no results yet: a run asks the exposures first how many identities they have, and reads those ` +
            `with ${largeFrom.toLocaleString("en-US")} or more alone.`
          ]
          : []),
        ...(Result.isFailure(estimated) ? [`How much is unknown: ${estimated.failure.message}`] : []),
        ...reads.map(({ because, experiments }, i) => {
          const found = expected(i)
          const figures = found === undefined ? "" : because === undefined
            ? `: ${readsText(found.reading)} instead of ${readsText(found.apart).replace("about ", "")}`
            : `: ${readsText(found.reading)}`
          return because === undefined
            ? `Together    ${counted(experiments.length, "experiment")} (${nameList(experiments)})${figures}`
            : `Alone       ${experiments[0]!}, since ${because}${figures}`
        }),
        ...planned.flatMap(({ name, result }) =>
          Result.isFailure(result) ? [`Fails       ${name}: ${result.failure.message}`] : []
        ),
        ...names.filter((name) => !due.includes(name)).map((name) => `Not yet     ${name} hasn't started`)
      ].join("\n")
    )
  }
)
