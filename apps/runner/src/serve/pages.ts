/** The pages: the list, an experiment, signing in and out, and refreshing from a page. */
import type { Experiment } from "@assay/model"
import {
  type Card,
  emptyPage,
  everything,
  experimentFrame,
  icon,
  listPage,
  messagePage,
  type Query,
  type RefreshState,
  script,
  type Served,
  signInPage,
  stylesheet
} from "@assay/page"
import { isOpen, Runs } from "@assay/store"
import { ByteSize, Clock, Effect, Option, Stream } from "effect"
import { HttpIncomingMessage, HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import {
  type Access,
  formProof,
  makeSession,
  provesForm,
  type Reader,
  readerOf,
  readerOfSession,
  SESSION_MILLIS
} from "./access.ts"
import type { ProgressEvent } from "./api.ts"
import { Catalog } from "./catalog.ts"
import { addressOf, type Rates } from "./handlers.ts"
import { limiter } from "./limits.ts"
import { ask, progress, type RefreshOptions } from "./refresh.ts"

const BASE = "/"
const COOKIE = "assay_session"

/** The path of an experiment's page. Dots are escaped, since a browser takes `..` for a way up. */
export const pathOf = (experiment: string): string =>
  `${BASE}experiments/${encodeURIComponent(experiment).replaceAll(".", "%2E")}`

const HTML = "text/html; charset=utf-8"

const html = (text: string, status = 200) => HttpServerResponse.text(text, { status, contentType: HTML })

const gone = () => html(messagePage(BASE, "Not found", "There is no such page, or none that you may see."), 404)

const trouble = () =>
  html(
    messagePage(
      BASE,
      "Not available",
      "Definitions or results can't be read at the moment. The server's log says why."
    ),
    503
  )

const refused = (status: 403 | 429, title: string, text: string) => html(messagePage(BASE, title, text), status)

/** Where to go after signing in: a path of this server, whatever a link says. */
const safeNext = (next: string): string => (/^\/(?![/\\])[^\p{Cc}]*$/u.test(next) ? next : BASE)

/** How pages are served: over TLS or not, and how often. */
export interface PageOptions {
  readonly secureCookies: boolean
  readonly rates: Rates
}

const eventText = ({ data, event }: ProgressEvent): string => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`

/** All pages as routes. */
export const pages = (access: Access, options: RefreshOptions, { rates, secureCookies }: PageOptions) =>
  HttpRouter.use(Effect.fnUntraced(function*(router) {
    const catalog = yield* Catalog
    const runs = yield* Runs
    const known = limiter(rates.requests)
    const strangers = limiter(rates.strangers)
    const provided = Effect.provideService(Runs, runs)
    const catalogued = Effect.provideService(Catalog, catalog)

    /** Runs for the reader of the session, or asks to sign in. */
    const forReader = <E, R>(
      then: (
        reader: Reader,
        session: string | undefined,
        request: HttpServerRequest.HttpServerRequest
      ) => Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
    ) =>
      Effect.gen(function*() {
        const request = yield* HttpServerRequest.HttpServerRequest
        const now = yield* Clock.currentTimeMillis
        const session = request.cookies[COOKIE]
        const reader = readerOfSession(access, session, now)
        if (reader === undefined) {
          const next = request.method === "GET" ? request.url : BASE
          return html(signInPage(BASE, safeNext(next), false), 401)
        }
        const wait = known.take(reader.name ?? addressOf(request), now)
        if (wait > 0) {
          return HttpServerResponse.setHeader(
            refused(429, "Too many requests", `Ask again in ${wait} s.`),
            "retry-after",
            String(wait)
          )
        }
        if (!reader.may("read")) {
          return refused(403, "Not allowed", "This token doesn't let you read results.")
        }
        return yield* then(reader, session, request).pipe(
          Effect.catch((error) =>
            Effect.as(
              Effect.logError("a page can't be shown").pipe(Effect.annotateLogs({ error: String(error) })),
              trouble()
            )
          )
        )
      })

    const whoReads = (reader: Reader, session: string | undefined) =>
      reader.name === undefined ? {} : { reader: reader.name, signOutCsrf: formProof(reader, session) }

    const queryOf = (request: HttpServerRequest.HttpServerRequest): Query & { readonly snapshot: string | null } => {
      // Not as a URL: a path may begin with two slashes, which a URL takes for a host.
      const [, ...query] = request.url.split("?")
      const search = new URLSearchParams(query.join("?"))
      const state = search.get("state") ?? ""
      return {
        q: (search.get("q") ?? "").slice(0, 200),
        state: state === "planned" || state === "running" || state === "ended" ? state : everything.state,
        environment: search.get("environment") ?? "",
        trouble: search.get("trouble") === "1",
        snapshot: search.get("snapshot")
      }
    }

    const list = forReader((reader, session, request) =>
      Effect.gen(function*() {
        const all = yield* catalog.visible(reader)
        const cards: ReadonlyArray<Card> = yield* catalog.cards(all)
        const now = new Date(yield* Clock.currentTimeMillis).toISOString()
        const { snapshot: _, ...query } = queryOf(request)
        return html(listPage({ cards, query, now, base: BASE, pathOf, ...whoReads(reader, session) }))
      })
    )

    /** The experiment that a path names, if the reader sees it. */
    const experimentOf = (reader: Reader) =>
      Effect.gen(function*() {
        const { experiment = "" } = yield* HttpRouter.params
        return yield* catalog.find(reader, experiment)
      })

    const stateOf = (experiment: Experiment) =>
      Effect.map(runs.list({ experiment: experiment.key, limit: 1 }), ([last]): RefreshState | undefined => {
        if (last === undefined) return undefined
        if (isOpen(last)) return { kind: "running", since: last.started_at ?? last.queued_at }
        return last.state === "failed"
          ? {
            kind: "failed",
            at: last.finished_at ?? last.queued_at,
            code: last.error?.code ?? "failed",
            message: last.error?.message ?? ""
          }
          : undefined
      })

    const show = forReader((reader, session, request) =>
      Effect.gen(function*() {
        const found = yield* experimentOf(reader)
        if (Option.isNone(found)) return gone()
        const experiment = found.value
        const snapshots = yield* catalog.snapshots(experiment.key)
        const state = yield* stateOf(experiment)
        const wanted = queryOf(request).snapshot ?? snapshots[0]?.id
        const served: Served = {
          base: BASE,
          path: pathOf(experiment.key),
          snapshot: wanted ?? "",
          snapshots,
          ...(state === undefined ? {} : { state }),
          ...(reader.may("refresh") ? { csrf: formProof(reader, session) } : {}),
          ...whoReads(reader, session)
        }
        if (wanted === undefined) {
          return html(emptyPage(experiment.key, served, {
            title: "No results yet",
            sentence: "Nothing has been computed for this experiment.",
            tone: "neutral"
          }))
        }
        if (!snapshots.some(({ id }) => id === wanted)) return gone()
        const snapshot = yield* catalog.snapshot(experiment.key, wanted).pipe(
          Effect.catch((error) =>
            Effect.as(
              Effect.logError("results can't be read").pipe(Effect.annotateLogs({ error: error.message })),
              Option.none()
            )
          )
        )
        if (Option.isNone(snapshot)) {
          return html(
            emptyPage(experiment.key, served, {
              title: "These results can't be read",
              sentence:
                "They are there, but damaged. The server's log says what is wrong; older ones are in the history.",
              tone: "alarm"
            }),
            503
          )
        }
        const now = new Date(yield* Clock.currentTimeMillis).toISOString()
        const [before, after] = experimentFrame({ summary: snapshot.value.summary, now, served })
        return HttpServerResponse.uint8Array(
          Buffer.concat([Buffer.from(before), catalog.body(snapshot.value), Buffer.from(after)]),
          { contentType: HTML }
        )
      })
    )

    const form = (request: HttpServerRequest.HttpServerRequest) =>
      Effect.map(request.text, (text) => new URLSearchParams(text)).pipe(
        Effect.provideService(HttpIncomingMessage.MaxBodySize, ByteSize.kibibytes(8))
      )

    const refresh = forReader((reader, session, request) =>
      Effect.gen(function*() {
        const wantsPage = !(request.headers["accept"] ?? "").includes("application/json")
        if (!reader.may("refresh") || !provesForm(reader, session, (yield* form(request)).get("csrf") ?? "")) {
          return refused(
            403,
            "Not allowed",
            "This refresh wasn't asked for on this page, or your token doesn't allow it."
          )
        }
        const found = yield* experimentOf(reader)
        if (Option.isNone(found)) return gone()
        const asked = yield* ask(options, found.value, reader, addressOf(request)).pipe(provided, catalogued)
        if (asked.kind === "too often") {
          return HttpServerResponse.setHeader(
            refused(429, "Refreshed a moment ago", `Try again in ${asked.retryAfter} s.`),
            "retry-after",
            String(asked.retryAfter)
          )
        }
        return wantsPage
          ? HttpServerResponse.redirect(pathOf(found.value.key), { status: 303 })
          : HttpServerResponse.jsonUnsafe({ run: asked.run.id }, { status: 202, headers: { "retry-after": "1" } })
      })
    )

    const follow = forReader((reader) =>
      Effect.gen(function*() {
        const found = yield* experimentOf(reader)
        if (Option.isNone(found)) return gone()
        const events = progress(found.value.key).pipe(
          Stream.provideService(Runs, runs),
          Stream.map(eventText),
          Stream.encodeText
        )
        return HttpServerResponse.stream(events, { contentType: "text/event-stream; charset=utf-8" })
      })
    )

    const signIn = Effect.gen(function*() {
      const request = yield* HttpServerRequest.HttpServerRequest
      const now = yield* Clock.currentTimeMillis
      const fields = yield* form(request)
      const next = safeNext(fields.get("next") ?? BASE)
      const reader = readerOf(access, (fields.get("token") ?? "").trim())
      if (reader === undefined) {
        const wait = strangers.take(addressOf(request), now)
        return wait > 0
          ? refused(429, "Too many attempts", `Try again in ${wait} s.`)
          : html(signInPage(BASE, next, true), 401)
      }
      return HttpServerResponse.redirect(next, { status: 303 }).pipe(
        HttpServerResponse.setCookieUnsafe(COOKIE, makeSession(reader, now), {
          httpOnly: true,
          sameSite: "lax",
          path: BASE,
          secure: secureCookies,
          maxAge: SESSION_MILLIS
        })
      )
    }).pipe(Effect.catch(() => Effect.succeed(refused(403, "Not allowed", "This form can't be read."))))

    const signOut = forReader((reader, session, request) =>
      Effect.gen(function*() {
        if (!provesForm(reader, session, (yield* form(request)).get("csrf") ?? "")) {
          return refused(403, "Not allowed", "Sign out with the button on a page.")
        }
        return HttpServerResponse.redirect(BASE, { status: 303 }).pipe(
          HttpServerResponse.setCookieUnsafe(COOKIE, "", {
            httpOnly: true,
            path: BASE,
            secure: secureCookies,
            maxAge: 0
          })
        )
      })
    )

    for (const asset of [stylesheet, script, icon]) {
      yield* router.add(
        "GET",
        `/assets/${asset.name}`,
        Effect.succeed(
          HttpServerResponse.text(asset.text, {
            contentType: asset.type,
            headers: { "cache-control": "public, max-age=31536000, immutable" }
          })
        )
      )
    }
    yield* router.add("GET", "/", list)
    yield* router.add("GET", "/experiments/:experiment", show)
    yield* router.add("POST", "/experiments/:experiment/refresh", refresh)
    yield* router.add("GET", "/experiments/:experiment/progress", follow)
    yield* router.add("POST", "/sign-in", signIn)
    yield* router.add("POST", "/sign-out", signOut)
  }))
