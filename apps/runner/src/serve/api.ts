/** The HTTP API as data: what can be asked, and what is answered. Its OpenAPI description is made from this. */
import { Finding, ResultsSummary } from "@assay/model"
import { Run } from "@assay/store"
import { Schema } from "effect"
import {
  HttpApi,
  HttpApiEndpoint,
  HttpApiGroup,
  HttpApiMiddleware,
  HttpApiSchema,
  HttpApiSecurity,
  OpenApi
} from "effect/http-api"
import type { CurrentReader } from "./access.ts"

const problem = { code: Schema.String, message: Schema.String }

/** No token, or one that isn't known. */
export class Unauthorized extends Schema.TaggedError<Unauthorized>()("Unauthorized", problem, {
  httpApiStatus: 401,
  description: "No token, or one that isn't known"
}) {}

/** A token whose scopes don't allow this. */
export class Forbidden extends Schema.TaggedError<Forbidden>()("Forbidden", problem, {
  httpApiStatus: 403,
  description: "The token's scopes don't allow this"
}) {}

/** No such experiment or snapshot, or one of an environment that the token doesn't see: the answer is the same. */
export class NotFound extends Schema.TaggedError<NotFound>()("NotFound", problem, {
  httpApiStatus: 404,
  description: "No such thing, or none that the token may see"
}) {}

/** Asked too often; `retry_after` seconds from now it may be asked again. The header Retry-After says the same. */
export class TooOften extends Schema.TaggedError<TooOften>()("TooOften", { ...problem, retry_after: Schema.Int }, {
  httpApiStatus: 429,
  description: "Asked too often; Retry-After says when to ask again"
}) {}

/** Definitions or results can't be read at the moment. Never answered as if there were none. */
export class Unavailable extends Schema.TaggedError<Unavailable>()("Unavailable", problem, {
  httpApiStatus: 503,
  description: "Definitions or results can't be read at the moment"
}) {}

/** Says who asks, by the bearer token, and how often that one may. */
export class Authorization extends HttpApiMiddleware.Service<Authorization, { provides: CurrentReader }>()(
  "@assay/runner/Authorization",
  { security: { bearer: HttpApiSecurity.bearer }, error: [Unauthorized, TooOften] }
) {}

/** An experiment in the list. `results` is null where there are none yet. */
export const Listed = Schema.Struct({
  experiment: Schema.String,
  description: Schema.NullOr(Schema.String),
  environment: Schema.String,
  feature: Schema.String,
  state: Schema.Literals(["planned", "running", "ended"]),
  results: Schema.NullOr(
    Schema.Struct({
      snapshot: Schema.String,
      as_of: Schema.String,
      verdict: Schema.String,
      identities: Schema.Finite,
      srm: ResultsSummary.fields.srm.fields.status,
      alarms: Schema.Finite,
      warnings: Schema.Finite
    })
  ),
  /** Why the latest results can't be shown, where they can't. */
  unreadable: Schema.optionalKey(Schema.String)
})
export interface Listed extends Schema.Schema.Type<typeof Listed> {}

/** A snapshot in an experiment's history. */
export const HistoryEntry = Schema.Struct({ id: Schema.String, as_of: Schema.String })

/** How a refresh stands, as an event: the run's state and how far it is. `idle` where no run was ever asked for. */
export const ProgressEvent = Schema.Struct({
  id: Schema.optional(Schema.String),
  event: Schema.Literals(["idle", "queued", "running", "succeeded", "failed", "cancelled"]),
  data: Schema.fromJsonString(
    Schema.Struct({
      run: Schema.optionalKey(Schema.String),
      stage: Schema.optionalKey(Schema.String),
      rows_read: Schema.optionalKey(Schema.Finite),
      total_rows: Schema.optionalKey(Schema.Finite),
      elapsed_ms: Schema.optionalKey(Schema.Finite),
      code: Schema.optionalKey(Schema.String),
      message: Schema.optionalKey(Schema.String)
    })
  )
})
export interface ProgressEvent extends Schema.Schema.Type<typeof ProgressEvent> {}

const params = {
  experiment: Schema.String.pipe(Schema.check(Schema.isMinLength(1), Schema.isMaxLength(200))).annotate({
    description: "The key of an experiment",
    examples: ["checkout_button"]
  })
}

const id = Schema.String.pipe(Schema.check(Schema.isPattern(/^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/)))

const errors = [Forbidden, NotFound, Unavailable]

/** Experiments and their results. */
export class Experiments extends HttpApiGroup.make("experiments").add(
  HttpApiEndpoint.get("list", "/experiments", {
    success: Schema.Struct({ experiments: Schema.Array(Listed) }),
    error: [Forbidden, Unavailable]
  }).annotate(OpenApi.Summary, "All experiments that the token may see, with what their latest results say"),
  HttpApiEndpoint.get("results", "/experiments/:experiment/results", {
    params,
    query: { snapshot: Schema.optional(id) },
    success: ResultsSummary,
    error: errors
  }).annotate(OpenApi.Summary, "The latest results, or those of a snapshot"),
  HttpApiEndpoint.get("history", "/experiments/:experiment/history", {
    params,
    success: Schema.Struct({ snapshots: Schema.Array(HistoryEntry) }),
    error: errors
  }).annotate(OpenApi.Summary, "All snapshots, newest first"),
  HttpApiEndpoint.get("findings", "/experiments/:experiment/findings", {
    params,
    success: Schema.Struct({ as_of: Schema.String, findings: Schema.Array(Finding) }),
    error: errors
  }).annotate(OpenApi.Summary, "What was found about the data of the latest results"),
  HttpApiEndpoint.get("runs", "/experiments/:experiment/runs", {
    params,
    success: Schema.Struct({ runs: Schema.Array(Run) }),
    error: errors
  }).annotate(OpenApi.Summary, "The newest hundred runs, newest first"),
  HttpApiEndpoint.post("refresh", "/experiments/:experiment/refresh", {
    params,
    success: HttpApiSchema.WithHeaders(
      Schema.Struct({ run: Run, queued: Schema.Boolean }).pipe(HttpApiSchema.status(202)),
      { "retry-after": Schema.String }
    ),
    error: [...errors, TooOften]
  }).annotate(
    OpenApi.Summary,
    "Asks for new results. Answers the run that will make them; asking while one is open answers that one"
  ),
  HttpApiEndpoint.get("progress", "/experiments/:experiment/progress", {
    params,
    success: HttpApiSchema.StreamSse({ events: ProgressEvent }),
    error: errors
  }).annotate(OpenApi.Summary, "How the newest run goes, as server-sent events, until it has ended")
).prefix("/api/v1").middleware(Authorization) {}

/** For whoever runs the server. */
export class System extends HttpApiGroup.make("system").add(
  HttpApiEndpoint.get("health", "/healthz", { success: Schema.Struct({ status: Schema.Literal("ok") }) })
    .annotate(OpenApi.Summary, "The process answers"),
  HttpApiEndpoint.get("readiness", "/readyz", {
    success: Schema.Struct({ status: Schema.Literal("ok") }),
    error: Unavailable
  }).annotate(OpenApi.Summary, "Definitions and store can be read")
) {}

/** Figures for Prometheus, of what the token may see. */
export class Metrics extends HttpApiGroup.make("metrics").add(
  HttpApiEndpoint.get("metrics", "/metrics", {
    success: Schema.String.pipe(HttpApiSchema.asText({ contentType: "text/plain; version=0.0.4; charset=utf-8" })),
    error: [Forbidden, Unavailable]
  }).annotate(OpenApi.Summary, "Figures in Prometheus' text format")
).middleware(Authorization) {}

/** The whole API. */
export class Api extends HttpApi.make("assay").add(Experiments).add(System).add(Metrics).annotateMerge(
  OpenApi.annotations({
    title: "Assay",
    version: "1",
    description:
      "Results of experiments. Tokens are sent as `Authorization: Bearer …`; what a token may not see doesn't exist."
  })
) {}
