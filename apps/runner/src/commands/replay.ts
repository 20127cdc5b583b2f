/** `assay replay`: a snapshot's statement again, and whether it still says the same. */
import { plan } from "@assay/aggregation"
import { definitionHash } from "@assay/definitions"
import { Instant } from "@assay/model"
import { type Moved, replay } from "@assay/pipeline"
import { type Snapshot, Store } from "@assay/store"
import { Effect, Option } from "effect"
import { basename } from "node:path"
import { warehouseLayer } from "../engine.ts"
import { Failed, UsageError } from "../Failed.ts"
import { print, printJson } from "../output.ts"
import { loadDefinitions, type LoadedProject } from "../project.ts"
import { storeLayer } from "../store.ts"
import { version } from "../version.ts"

/** What `assay replay` was asked for: the id of a snapshot, or the file that a run said it is kept in. */
export interface ReplayInput {
  readonly snapshot: string
  readonly config: Option.Option<string>
  readonly json: boolean
}

/** The id in the name of a snapshot's file, behind its time; what is no such name is an id. */
const idIn = (named: string): string => basename(named).replace(/^\d{8}T\d{9}Z-(.+?)(\.json)?$/, "$1")

/** The snapshot that is named, of whichever experiment. */
const find = Effect.fn("replay.find")(function*(project: LoadedProject, named: string) {
  const id = idIn(named)
  const store = yield* Store
  for (const experiment of project.definitions.experiments.keys()) {
    if ((yield* store.list(experiment)).some((listed) => listed.id === id)) {
      const found = yield* store.get(experiment, id)
      if (Option.isSome(found)) return found.value
    }
  }
  return yield* new UsageError({
    message: `There is no snapshot ${JSON.stringify(named)} of any experiment that is defined`,
    hint: "`assay results <experiment> --list` shows the snapshots of one"
  })
})

/** The plan that the snapshot's answer is read with. */
const planOf = Effect.fn("replay.plan")(function*({ config, definitions }: LoadedProject, { summary }: Snapshot) {
  const { assay_version, definition_hash } = summary.provenance
  const experiment = definitions.experiments.get(summary.experiment)!
  const now = definitionHash({ experiment, ...config, metrics: definitions.metrics })
  if (now !== definition_hash || assay_version !== version) {
    return yield* new UsageError({
      message: now === definition_hash
        ? `The snapshot was made by Assay ${assay_version}, and this is ${version}`
        : `The definition of ${summary.experiment} isn't the one of the snapshot any more`,
      hint: now === definition_hash
        ? "Run that version, or recompute"
        : "Check out the definitions of that time, or recompute: other numbers would be compared"
    })
  }
  return yield* Effect.fromResult(
    plan({
      experiment,
      metrics: definitions.metrics,
      mapping: config.mapping,
      aggregations: config.aggregations,
      slices: config.defaults.slices,
      series: config.defaults.series,
      asOf: Instant.toMillis(summary.as_of)
    })
  )
})

const movedLine = ({ is, name, was }: Moved): string => `  ${name}: ${was} → ${is}`

/** Runs a snapshot's statement again; exit code 1 where a number moved. */
export const runReplay = Effect.fn("command.replay")(function*(input: ReplayInput) {
  const project = yield* loadDefinitions(Option.getOrUndefined(input.config))
  const snapshot = yield* find(project, input.snapshot).pipe(Effect.provide(storeLayer(project)))
  const planned = yield* planOf(project, snapshot)
  const { compared, late, moved, rounded, warehouseVersion } = yield* replay(snapshot, planned).pipe(
    Effect.provide(warehouseLayer(project))
  )
  const { provenance, experiment, as_of } = snapshot.summary
  if (input.json) {
    yield* printJson({
      schema: "assay.replay/1",
      snapshot: snapshot.id,
      experiment,
      as_of,
      statement_hash: provenance.statement_hash,
      warehouse_version: { was: provenance.warehouse_version, is: warehouseVersion },
      compared,
      moved,
      rounded,
      late: late ?? null
    })
  } else {
    const since = provenance.refresh?.ingested_until ?? provenance.computed_at
    yield* print(
      [
        `${experiment} as of ${as_of}, snapshot ${snapshot.id}`,
        `Statement   sha256 ${provenance.statement_hash}`,
        ...(provenance.shared_read === undefined
          ? []
          : [
            `Read        by one statement for ${provenance.shared_read.experiments} experiments then; ` +
            "this is the experiment's own, which says the same"
          ]),
        `ClickHouse  ${
          warehouseVersion === provenance.warehouse_version
            ? `${warehouseVersion}, as before`
            : `${warehouseVersion}, before ${provenance.warehouse_version}`
        }`,
        moved.length === 0
          ? rounded === 0
            ? `Agrees      all ${compared} numbers, to the last byte`
            : `Agrees      all ${compared} numbers, ${
              compared - rounded
            } to the last byte and ${rounded} to 12 digits: ` +
              "sums of fractions depend on the order of addition"
          : `Moved       ${moved.length} of ${compared} numbers`,
        ...moved.map(movedLine),
        late === undefined
          ? "Late rows   unknown: no column says when a row was stored (columns.ingested)"
          : `Late rows   ${late.exposures.toLocaleString("en-US")} exposures and ${
            late.events.toLocaleString("en-US")
          } events were stored since ${since}`
      ].join("\n")
    )
  }
  if (moved.length > 0) return yield* new Failed({ exitCode: 1 })
})
