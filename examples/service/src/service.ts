/** A small service of a newspaper: it computes its experiments with Assay's pipeline, and answers what came out. */
import { recompute, type RecomputeContext } from "@assay/pipeline"
import { markdown } from "@assay/report"
import { engines } from "@assay/stats"
import { Store } from "@assay/store"
import { Warehouse } from "@assay/warehouse"
import { Clock, Effect, type Layer, ManagedRuntime, Option, Result } from "effect"
import { createServer, type Server } from "node:http"
import { definitions, jobs } from "./definitions.ts"

interface Answer {
  readonly status: number
  readonly type: "application/json" | "text/markdown"
  readonly body: string
}

const json = (status: number, value: unknown): Answer => ({
  status,
  type: "application/json",
  body: JSON.stringify(value)
})

const notFound = json(404, { error: "not found" })

/** Computes an experiment anew. A failure is told with its code and hint, and leaves the last result in place. */
const compute = Effect.fn("service.compute")(function*(key: string) {
  const job = jobs.get(key)
  if (job === undefined) return notFound
  const warehouse = yield* Warehouse
  const context: RecomputeContext = {
    ...definitions,
    engine: engines.bayesian,
    confidence: 0.95,
    asOf: yield* Clock.currentTimeMillis,
    version: "newspaper 1.0",
    warehouseVersion: yield* warehouse.version()
  }
  const { summary } = yield* recompute(job, context)
  return json(201, { experiment: key, as_of: summary.as_of, decision: summary.decision })
}, Effect.catch(({ code, hint, message }) => Effect.succeed(json(502, { code, message, hint }))))

/** The latest result: as Markdown for people, or whole. */
const show = Effect.fn("service.show")(function*(key: string, accept: string) {
  const store = yield* Store
  const latest = yield* store.latest(key)
  if (Option.isNone(latest)) return notFound
  const { summary } = latest.value
  return accept.includes("text/markdown")
    ? { status: 200, type: "text/markdown", body: markdown(summary) } as const
    : json(200, summary)
}, Effect.catch(({ code, message }) => Effect.succeed(json(503, { code, message }))))

/** A server of this service; `services` say where the events are and where results go. It isn't listening yet. */
export const service = (
  services: Layer.Layer<Store | Warehouse, Error>
): { readonly server: Server; readonly close: () => Promise<void> } => {
  const runtime = ManagedRuntime.make(services)
  const server = createServer((request, response) => {
    const [, part = ""] = /^\/experiments\/([^/?]+)$/.exec(request.url ?? "") ?? []
    // What isn't well escaped is the key of nothing.
    const key = Result.getOrElse(Result.try(() => decodeURIComponent(part)), () => "")
    const answer = key === ""
      ? Effect.succeed(notFound)
      : request.method === "POST"
      ? compute(key)
      : show(key, request.headers.accept ?? "")
    runtime.runPromise(answer).catch((): Answer => json(500, { error: "see the log" })).then(
      ({ body, status, type }) => {
        response.writeHead(status, { "content-type": `${type}; charset=utf-8` }).end(body)
      },
      () => response.destroy()
    )
  })
  return {
    server,
    close: async () => {
      server.close()
      await runtime.dispose()
    }
  }
}
