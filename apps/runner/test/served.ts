/** A server of a project with results, in this process, and a hand that plays its runner. */
import { names, states } from "@assay/example-summaries"
import type { ResultsSummary } from "@assay/model"
import { type Claim, Runs, Store } from "@assay/store"
import { Effect, Layer, ManagedRuntime } from "effect"
import { createHash, randomUUID } from "node:crypto"
import { createServer } from "node:http"
import { join } from "node:path"
import { loadProject } from "../src/project.ts"
import { type Access, openAccess, tokenAccess, type TokenEntry } from "../src/serve/access.ts"
import { Catalog } from "../src/serve/catalog.ts"
import { type ServeOptions, serverLayer } from "../src/serve/server.ts"
import { runsLayer } from "../src/store.ts"
import { experimentFile, project } from "./assay.ts"

/** Tokens of tests, by what they may do. */
export const tokens = {
  reader: "assay_reader-of-everything",
  refresher: "assay_may-refresh-production",
  staging: "assay_reads-staging-alone",
  writer: "assay_refreshes-but-may-not-read"
} as const

const entry = (
  name: string,
  token: string,
  scopes: TokenEntry["scopes"],
  environments?: TokenEntry["environments"]
) => ({
  name,
  sha256: createHash("sha256").update(token).digest("hex"),
  scopes,
  ...(environments === undefined ? {} : { environments })
})

export const byTokens: Access = tokenAccess([
  entry("reader", tokens.reader, ["read"]),
  entry("refresher", tokens.refresher, ["read", "refresh"], ["production"]),
  entry("staging", tokens.staging, ["read"], ["staging"]),
  entry("writer", tokens.writer, ["refresh"])
])

export const open: Access = openAccess(true)

/** The experiments of the project: of `secret`, another environment. `empty` has no results. */
export const experiments: Readonly<Record<string, ResultsSummary | undefined>> = {
  checkout: states["shipping"],
  ranking: states["mismatch"],
  secret: states["sequential"],
  [names.script]: states["hostile"],
  empty: undefined
}

const environmentOf = (experiment: string): string => (experiment === "secret" ? "staging" : "production")

/** A summary of another day and name. */
export const summaryOf = (experiment: string, summary: ResultsSummary, as_of = summary.as_of): ResultsSummary => ({
  ...summary,
  experiment,
  environment: environmentOf(experiment),
  as_of
})

const statement = { text: "SELECT 1", parameters: {}, settings: {} }

/** Puts a snapshot into a store. */
export const snapshot = (summary: ResultsSummary, id: string = randomUUID()) =>
  Effect.flatMap(
    Store,
    (store) => store.put({ id, experiment: summary.experiment, as_of: summary.as_of, summary, statement })
  )

/** A server that listens, its store, and its end. */
export const serve = async (options: Partial<ServeOptions> = {}) => {
  const root = project({
    "assay.config.ts": "export default {}\n",
    ...Object.fromEntries(
      Object.keys(experiments).map((key, i) => [
        i === 0 ? "experiments/checkout.yaml" : `experiments/e${i}.yaml`,
        experimentFile(key, { key: JSON.stringify(key), environment: environmentOf(key) })
      ])
    )
  })
  const loaded = await Effect.runPromise(loadProject(root))
  const server = createServer()
  const audit = join(root, "audit.jsonl")
  const runtime = ManagedRuntime.make(
    serverLayer(
      {
        access: byTokens,
        host: "127.0.0.1",
        port: 0,
        publicUrl: undefined,
        throttleMillis: 60_000,
        audit,
        rates: { requests: { burst: 1e6, perMinute: 1e6 }, strangers: { burst: 1e6, perMinute: 1e6 } },
        ...options
      },
      () => server
    ).pipe(Layer.provideMerge(Catalog.layer(root)), Layer.provideMerge(runsLayer(loaded)))
  )
  const run = <A, E>(effect: Effect.Effect<A, E, Runs | Store>): Promise<A> => runtime.runPromise(effect)
  for (const [key, summary] of Object.entries(experiments)) {
    if (summary !== undefined) await run(snapshot(summaryOf(key, summary)))
  }
  const address = server.address()
  const url = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`
  return { url, root, audit, run, close: () => runtime.dispose() }
}

export type Served = Awaited<ReturnType<typeof serve>>

/** Takes the run that waits, as a runner does. */
export const claim: Effect.Effect<Claim, unknown, Runs> = Effect.flatMap(
  Runs,
  (runs) =>
    Effect.flatMap(
      runs.claim({ runner: "test", atMost: 10 }),
      ([found]) => found === undefined ? Effect.fail("nothing waits") : Effect.succeed(found)
    )
)

/** Ends a run with new results of an instant. */
export const succeed = (taken: Claim, as_of: string) => {
  const { experiment } = taken.run
  const summary = summaryOf(experiment, experiments[experiment] ?? states["collecting"]!, as_of)
  return taken.store("data").put({ id: taken.run.id, experiment, as_of, summary, statement })
}

/** Ends a run with a failure for good. */
export const fail = (taken: Claim) =>
  taken.fail({ code: "query_limit", message: "The query took longer than 600 s.", hint: "Raise limits.seconds" })
