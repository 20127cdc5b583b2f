/** What the API answers. */
import type { AssayError, Experiment } from "@assay/model"
import { isOpen, Runs } from "@assay/store"
import { Clock, Effect, Layer, Option, Redacted, Stream } from "effect"
import { HttpEffect, HttpServerRequest, HttpServerResponse } from "effect/http"
import { HttpApiBuilder, HttpApiSchema } from "effect/http-api"
import { type Access, CurrentReader, readerOf, type Scope } from "./access.ts"
import { Api, Authorization, Forbidden, type Listed, NotFound, TooOften, Unauthorized, Unavailable } from "./api.ts"
import { Catalog } from "./catalog.ts"
import { limiter, type Rate } from "./limits.ts"
import { exposition, type Family } from "./metrics.ts"
import { ask, progress, type RefreshOptions } from "./refresh.ts"

/** The address that a request came from, for limits and the audit log. */
export const addressOf = (request: HttpServerRequest.HttpServerRequest): string =>
  Option.getOrElse(request.remoteAddress, () => "unknown")

const retryAfter = (seconds: number) =>
  HttpEffect.appendPreResponseHandler((_, response) =>
    Effect.succeed(HttpServerResponse.setHeader(response, "retry-after", String(seconds)))
  )

/** Why something can't be answered, without anything of the server's inside: that goes to the log. */
export const unavailable = (error: AssayError): Effect.Effect<never, Unavailable> =>
  Effect.andThen(
    Effect.logError("can't answer").pipe(Effect.annotateLogs({ code: error.code, error: error.message })),
    Effect.fail(
      new Unavailable({
        code: error.code,
        message: "Definitions or results can't be read at the moment. The log says why."
      })
    )
  )

const tooOften = (seconds: number) =>
  Effect.andThen(
    retryAfter(seconds),
    Effect.fail(
      new TooOften({ code: "too_often", message: `Ask again in ${seconds} s.`, retry_after: seconds })
    )
  )

/** How often a token, and how often a wrong one from an address, may ask. */
export interface Rates {
  readonly requests: Rate
  readonly strangers: Rate
}

export const defaultRates: Rates = {
  requests: { burst: 120, perMinute: 600 },
  strangers: { burst: 20, perMinute: 20 }
}

/** Who asks, by the bearer token; strangers and the hasty are told to wait. */
export const authorization = (access: Access, rates: Rates) =>
  Layer.sync(Authorization, () => {
    const known = limiter(rates.requests)
    const strangers = limiter(rates.strangers)
    return Authorization.of({
      bearer: Effect.fn(function*(effect, { credential }) {
        const now = yield* Clock.currentTimeMillis
        const address = addressOf(yield* HttpServerRequest.HttpServerRequest)
        const reader = readerOf(access, Redacted.value(credential))
        if (reader === undefined) {
          const wait = strangers.take(address, now)
          if (wait > 0) return yield* tooOften(wait)
          return yield* new Unauthorized({
            code: "unauthorized",
            message: "Send a known token as `Authorization: Bearer …`."
          })
        }
        const wait = known.take(reader.name ?? address, now)
        if (wait > 0) return yield* tooOften(wait)
        return yield* Effect.provideService(effect, CurrentReader, reader)
      })
    })
  })

/** The reader, if its token has the scope. Asked before anything is looked for, so that the answer tells nothing of what there is. */
const having = Effect.fn("serve.having")(function*(scope: Scope) {
  const reader = yield* CurrentReader
  if (!reader.may(scope)) {
    return yield* new Forbidden({ code: "forbidden", message: `This takes a token with the scope ${scope}.` })
  }
  return reader
})

const notFound = () => new NotFound({ code: "not_found", message: "There is no such thing, or none that you may see." })

const experimentOf = Effect.fn("serve.experiment")(function*(scope: Scope, key: string) {
  const reader = yield* having(scope)
  const catalog = yield* Catalog
  const found = yield* catalog.find(reader, key).pipe(Effect.catch(unavailable))
  return Option.isSome(found) ? { experiment: found.value, reader } : yield* notFound()
})

const snapshotOf = Effect.fn("serve.snapshot")(function*(experiment: Experiment, id: string | undefined) {
  const catalog = yield* Catalog
  const [newest] = yield* catalog.snapshots(experiment.key).pipe(Effect.catch(unavailable))
  const wanted = id ?? newest?.id
  const found = wanted === undefined
    ? Option.none()
    : yield* catalog.snapshot(experiment.key, wanted).pipe(Effect.catch(unavailable))
  return Option.isSome(found) ? found.value : yield* notFound()
})

/** Requests by the status of their answers, since the start. */
export type Counts = Map<string, number>

/** Handlers of all groups; `counts` are the requests so far. */
export const handlers = (options: RefreshOptions, counts: Counts) => {
  const experiments = HttpApiBuilder.group(
    Api,
    "experiments",
    Effect.fn(function*(group) {
      const catalog = yield* Catalog
      const runs = yield* Runs
      return group.handleAll({
        list: Effect.fn(function*() {
          const reader = yield* having("read")
          const all = yield* catalog.visible(reader).pipe(Effect.catch(unavailable))
          const cards = yield* catalog.cards(all).pipe(Effect.catch(unavailable))
          return {
            experiments: cards.map((
              { description, environment, experiment, feature, results, snapshot, state }
            ): Listed => ({
              experiment,
              description: description ?? null,
              environment,
              feature,
              state,
              results: results.kind !== "some" || snapshot === undefined ? null : {
                snapshot,
                as_of: results.as_of,
                verdict: results.verdict,
                identities: results.identities,
                srm: results.srm,
                alarms: results.alarms,
                warnings: results.warnings
              },
              ...(results.kind === "unreadable" ? { unreadable: results.sentence } : {})
            }))
          }
        }),
        results: Effect.fn(function*({ params, query }) {
          const { experiment } = yield* experimentOf("read", params.experiment)
          return (yield* snapshotOf(experiment, query.snapshot)).summary
        }),
        findings: Effect.fn(function*({ params }) {
          const { experiment } = yield* experimentOf("read", params.experiment)
          const { as_of, findings } = (yield* snapshotOf(experiment, undefined)).summary
          return { as_of, findings }
        }),
        history: Effect.fn(function*({ params }) {
          const { experiment } = yield* experimentOf("read", params.experiment)
          const all = yield* catalog.snapshots(experiment.key).pipe(Effect.catch(unavailable))
          return { snapshots: all.map(({ as_of, id }) => ({ id, as_of })) }
        }),
        runs: Effect.fn(function*({ params }) {
          const { experiment } = yield* experimentOf("read", params.experiment)
          return { runs: yield* runs.list({ experiment: experiment.key }).pipe(Effect.catch(unavailable)) }
        }),
        refresh: Effect.fn(function*({ params, request }) {
          const { experiment, reader } = yield* experimentOf("refresh", params.experiment)
          const asked = yield* ask(options, experiment, reader, addressOf(request)).pipe(Effect.catch(unavailable))
          if (asked.kind === "too often") return yield* tooOften(asked.retryAfter)
          const { queued, run } = asked
          return HttpApiSchema.withHeaders({ body: { run, queued }, headers: { "retry-after": "1" } })
        }),
        progress: Effect.fn(function*({ params }) {
          const { experiment } = yield* experimentOf("read", params.experiment)
          return progress(experiment.key).pipe(Stream.provideService(Runs, runs), Stream.orDie)
        })
      })
    })
  )

  const system = HttpApiBuilder.group(
    Api,
    "system",
    Effect.fn(function*(group) {
      const catalog = yield* Catalog
      const runs = yield* Runs
      return group.handleAll({
        health: () => Effect.succeed({ status: "ok" } as const),
        readiness: () =>
          Effect.all([catalog.project, runs.standings]).pipe(
            Effect.as({ status: "ok" } as const),
            Effect.catch(unavailable)
          )
      })
    })
  )

  const metrics = HttpApiBuilder.group(
    Api,
    "metrics",
    Effect.fn(function*(group) {
      const catalog = yield* Catalog
      const runs = yield* Runs
      return group.handleAll({
        metrics: Effect.fn(function*() {
          const reader = yield* having("read")
          const now = yield* Clock.currentTimeMillis
          const all = yield* catalog.visible(reader).pipe(Effect.catch(unavailable))
          const cards = yield* catalog.cards(all).pipe(Effect.catch(unavailable))
          const standings = yield* runs.standings.pipe(Effect.catch(unavailable))
          const some = cards.flatMap(({ experiment, results }) =>
            results.kind === "some" ? [{ experiment, results }] : []
          )
          const standing = (test: (key: string) => boolean): number =>
            cards.filter(({ experiment }) => test(experiment)).length
          const families: ReadonlyArray<Family> = [
            {
              name: "assay_experiments",
              help: "Experiments by state.",
              kind: "gauge",
              values: ["planned", "running", "ended"].map((state) => [
                { state },
                cards.filter((card) => card.state === state).length
              ])
            },
            {
              name: "assay_result_age_seconds",
              help: "Age of the latest results.",
              kind: "gauge",
              values: some.map(({ experiment, results }) => [
                { experiment },
                Math.max(0, (now - Date.parse(results.as_of)) / 1000)
              ])
            },
            {
              name: "assay_sample_ratio_mismatch",
              help: "1 where the sample ratio doesn't fit.",
              kind: "gauge",
              values: some.map(({ experiment, results }) => [{ experiment }, results.srm === "mismatch" ? 1 : 0])
            },
            {
              name: "assay_runs_open",
              help: "Runs that are queued or running.",
              kind: "gauge",
              values: [[
                {},
                standing((key) => {
                  const last = standings.get(key)?.last
                  return last !== undefined && isOpen(last)
                })
              ]]
            },
            {
              name: "assay_runs_failed",
              help: "Experiments whose last run failed.",
              kind: "gauge",
              values: [[{}, standing((key) => standings.get(key)?.last.state === "failed")]]
            },
            {
              name: "assay_http_requests_total",
              help: "Requests by status, since the start.",
              kind: "counter",
              values: [...counts].map(([status, n]) => [{ status }, n])
            }
          ]
          return exposition(families)
        })
      })
    })
  )
  return Layer.mergeAll(experiments, system, metrics)
}
