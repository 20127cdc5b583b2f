/** `assay advise`: what added to the event tables would let experiments read less, as DDL, with what it was measured to gain. */
import type { Plan } from "@assay/aggregation"
import { type Advice, advise, type Advised, type Cost, type TableAdvice } from "@assay/pipeline"
import { Warehouse } from "@assay/warehouse"
import { Clock, Effect, Option } from "effect"
import { bytesText } from "../cost.ts"
import { warehouseLayer } from "../engine.ts"
import { UsageError } from "../Failed.ts"
import { print, printJson, say } from "../output.ts"
import { hasStarted, planOf } from "../planning.ts"
import { loadDefinitions, type LoadedProject } from "../project.ts"
import { chooseExperiments } from "./recompute.ts"

/** What `assay advise` was asked for. */
export interface AdviseInput {
  readonly experiments: ReadonlyArray<string>
  readonly all: boolean
  readonly config: Option.Option<string>
  /** The database in which copies may be made. */
  readonly scratch: Option.Option<string>
  readonly rows: number
  readonly json: boolean
}

const shown = (n: number): string => n.toLocaleString("en-US")

const times = (before: number, after: number): string => {
  const factor = before / Math.max(1, after)
  return factor < 1.05 ? "no less" : `${factor < 10 ? factor.toFixed(1) : Math.round(factor)} times less`
}

const ms = (millis: number): string =>
  `${millis < 1000 ? Math.round(millis) : (millis / 1000).toFixed(1)} ${millis < 1000 ? "ms" : "s"}`

const share = (part: number): string => `${part < 0.1 ? (100 * part).toPrecision(2) : Math.round(100 * part)} %`

const costLines = (before: Cost, after: Cost): ReadonlyArray<string> => [
  `     rows read   ${shown(before.rows)} → ${shown(after.rows)} (${times(before.rows, after.rows)})`,
  `     bytes read  ${bytesText(before.bytes)} → ${bytesText(after.bytes)} (${times(before.bytes, after.bytes)})`,
  `     time        ${ms(before.ms)} → ${ms(after.ms)}`
]

const titleOf = ({ of, proposal }: Advised): string =>
  proposal.kind === "projection"
    ? `A projection of ${proposal.columns.length} columns, ordered by ${proposal.order.join(", ")}`
    : `A minmax index on ${proposal.column}, by which ${of === "refresh" ? "refreshes find" : "is found"} what is new`

const advisedLines = (advised: Advised, { copy, facts }: TableAdvice): ReadonlyArray<string> => [
  "",
  `  ${titleOf(advised)}`,
  ...(advised.gain.kind === "measured"
    ? [
      `     Measured: ${
        advised.of === "refresh" ? "how refreshes an hour after the last find what is new" : "the statements"
      }, on a copy of ${shown(copy!.rows)} of ${shown(copy!.of)} rows`,
      ...costLines(advised.gain.before, advised.gain.after)
    ]
    : [
      `     Estimated, not measured: ${shown(advised.gain.before.rows)} → ${
        shown(advised.gain.after.rows)
      } rows read (${times(advised.gain.before.rows, advised.gain.after.rows)})`
    ]),
  ...(advised.bytes === undefined || facts === undefined
    ? []
    : [
      `     on disk     about ${bytesText(advised.bytes)} more${
        facts.bytes > 0 ? ` (${share(advised.bytes / facts.bytes)} of the table)` : ""
      }`
    ]),
  ...advised.notes.map((note) => `     ${note}`),
  "",
  ...advised.ddl.map((statement) => `${statement};`)
]

const tableLines = (advice: TableAdvice): ReadonlyArray<string> => {
  const { advised, because, facts, reads, table } = advice
  return [
    `${table}${
      facts === undefined
        ? ""
        : `  ${facts.engine}, ${facts.sortingKey === "" ? "no order" : `ordered by ${facts.sortingKey}`}, ${
          facts.partitionKey === "" ? "no partitions" : `partitioned by ${facts.partitionKey}`
        }, ${shown(facts.rows)} rows, ${bytesText(facts.bytes)}`
    }`,
    ...(facts?.through === undefined
      ? []
      : [`  Named as ${facts.through}, which is Distributed over it on ${facts.cluster}.`]),
    ...(reads === undefined || reads.rows === 0 ? [] : [
      `  About ${shown(reads.rows)} rows are read, of which ${
        reads.looked === 0 ? "an unknown part" : `about ${shown(reads.needed)}`
      } ${reads.looked === 0 ? "is" : "are"} needed.`
    ]),
    ...advised.flatMap((one) => advisedLines(one, advice)),
    ...(advised.length === 0 ? ["  Nothing is advised:"] : because.length === 0 ? [] : ["", "  Not advised:"]),
    ...because.map((reason) => `  - ${reason}`)
  ]
}

const adviceText = ({ experiments, of, tables, unmeasured }: Advice): string =>
  [
    `Experiments  ${experiments.length === of ? "" : `${experiments.length} of ${of}, those that read most: `}${
      experiments.join(", ")
    }`,
    ...tables.flatMap((table) => ["", ...tableLines(table)]),
    ...(unmeasured === undefined ? [] : ["", `Not measured: ${unmeasured}`])
  ].join("\n")

const costJson = ({ bytes, ms, rows }: Cost) => ({ rows, bytes, ms: Math.round(ms) })

const adviceJson = ({ experiments, of, tables, unmeasured }: Advice) => ({
  schema: "assay.advice/1",
  experiments,
  experiments_in_all: of,
  tables: tables.map(({ advised, because, copy, facts, reads, table }) => ({
    table,
    ...(facts === undefined ? {} : {
      engine: facts.engine,
      sorting_key: facts.sortingKey,
      partition_key: facts.partitionKey,
      rows: facts.rows,
      bytes: facts.bytes
    }),
    ...(reads === undefined
      ? {}
      : { rows_read: reads.rows, rows_needed: reads.looked === 0 ? null : reads.needed, rows_looked_at: reads.looked }),
    ...(copy === undefined ? {} : { copy: { rows: copy.rows, of: copy.of } }),
    advised: advised.map(({ bytes, ddl, gain, notes, of: what, proposal }) => ({
      kind: proposal.kind,
      name: proposal.name,
      helps: what,
      ddl,
      gain: gain.kind === "measured"
        ? { measured: true, before: costJson(gain.before), after: costJson(gain.after) }
        : { measured: false, before: gain.before, after: gain.after },
      ...(bytes === undefined ? {} : { bytes_on_disk: bytes }),
      notes
    })),
    because
  })),
  ...(unmeasured === undefined ? {} : { unmeasured })
})

/** Where copies may be made: where it was said, in the embedded engine, or where results are written. */
const scratchOf = ({ config }: LoadedProject, given: Option.Option<string>) =>
  Option.isSome(given)
    ? { database: given.value }
    : config.warehouse.url === undefined
    ? { database: "default" }
    : config.results === true
    ? { database: config.warehouse.database ?? "default" }
    : {
      reason:
        "name a database in which this user may make and drop tables, with --scratch <database>, to have it measured " +
        "on a copy of a part of the table"
    }

/** Prints what would let the experiments read less; changes nothing but copies of its own, which it drops. */
export const runAdvise = Effect.fn("command.advise")(function*(input: AdviseInput) {
  const project = yield* loadDefinitions(Option.getOrUndefined(input.config))
  const all = input.all || input.experiments.length === 0
  const names = yield* Effect.fromResult(chooseExperiments(project, input.experiments, all))
  const asOf = yield* Clock.currentTimeMillis
  const due = names.filter((name) => hasStarted(project, name, asOf))
  if (due.length === 0) {
    return yield* new UsageError({
      message: "None of these experiments has started, so there is nothing that they read",
      hint: "Ask again after the first started_at"
    })
  }
  const planned = yield* Effect.forEach(due, (name) => Effect.fromResult(planOf(project, name, asOf)))
  const plans: readonly [Plan, ...ReadonlyArray<Plan>] = [planned[0]!, ...planned.slice(1)]
  const scratch = scratchOf(project, input.scratch)
  yield* say(
    "reason" in scratch
      ? "Looking at the tables…"
      : "Looking at the tables, and trying what might help on copies of a part of them…"
  )
  const advice = yield* Effect.gen(function*() {
    const warehouse = yield* Warehouse
    return yield* advise(warehouse, {
      plans,
      scratch,
      rows: input.rows,
      incremental: project.config.incremental !== undefined
    })
  }).pipe(Effect.provide(warehouseLayer(project)))
  yield* input.json ? printJson(adviceJson(advice)) : print(adviceText(advice))
})
