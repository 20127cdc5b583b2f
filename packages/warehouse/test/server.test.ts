import { type WarehouseError, WarehouseUnavailable } from "@assay/model"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, type Scope } from "effect"
import { createServer, type IncomingMessage, type RequestListener } from "node:http"
import { type SecretSource, Warehouse } from "../src/index.ts"

type Options = { readonly url: string; readonly retries?: number; readonly password?: SecretSource }

const password = "s3cret-pass'word"
const one = { text: "SELECT {p:String} AS p", parameters: { p: "hunter2" }, settings: {} }
const whole = {
  meta: [{ name: "p", type: "String" }],
  data: [["a"]],
  rows: 1,
  statistics: { elapsed: 0.5, rows_read: 2, bytes_read: 3 }
}

const queryOf = (request: IncomingMessage) => new URL(request.url ?? "", "http://x").searchParams

/** Queries that may still run are killed; their ids are bound. */
const isKill = (request: IncomingMessage) => queryOf(request).has("param_id")

/** A server that answers each request as it is told, to see what becomes of failures. */
const listen = (handler: RequestListener): Effect.Effect<string, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<ReturnType<typeof createServer>>((resume) => {
      const server = createServer(handler)
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
  ).pipe(Effect.map((server) => {
    const address = server.address()
    return `http://127.0.0.1:${typeof address === "object" ? address?.port : address}`
  }))

const run = <A, E>(config: Options, effect: Effect.Effect<A, E, Warehouse>) =>
  Effect.suspend(() => {
    process.env["ASSAY_TEST_PASSWORD"] = password
    return effect.pipe(
      Effect.provide(
        Warehouse.layer({ username: "ann", password: { env: "ASSAY_TEST_PASSWORD" }, retries: 0, ...config })
      )
    )
  })

const ask = (config: Options) => run(config, Warehouse.use((_) => _.query(one)))

const noSecret = (error: Error) => {
  const text = `${JSON.stringify(error)} ${error.message} ${error.stack} ${String(error)}`
  for (const secret of [password, "hunter2", Buffer.from(`ann:${password}`).toString("base64")]) {
    assert.notInclude(text, secret)
  }
}

describe("a server that fails", () => {
  it.live("nothing listens: unavailable after a bounded number of tries", () =>
    Effect.gen(function*() {
      const url = yield* Effect.scoped(listen(() => {}))
      const error = yield* Effect.flip(ask({ url, retries: 1 }))
      assert.instanceOf(error, WarehouseUnavailable)
      assert.match(error.message, /at http:\/\/[^ ]+:\d+: .*ECONNREFUSED/)
      noSecret(error)
    }))

  it.live("a transient code is tried again under a query id of its own, until it works", () =>
    Effect.gen(function*() {
      const ids: Array<string | null> = []
      const url = yield* listen((request, response) => {
        if (!isKill(request)) ids.push(queryOf(request).get("query_id"))
        if (ids.length < 3) {
          response.writeHead(500).end(
            "Code: 202. DB::Exception: Too many simultaneous queries. (TOO_MANY_SIMULTANEOUS_QUERIES)"
          )
        } else response.end(JSON.stringify(whole))
      })
      const result = yield* run({ url, retries: 2 }, Warehouse.use((_) => _.query(one, { queryId: "q" })))
      assert.deepStrictEqual(ids, ["q", "q-2", "q-3"])
      assert.deepStrictEqual(result, {
        rows: [{ p: "a" }],
        statistics: { queryId: "q-3", rowsRead: 2, bytesRead: 3, durationMs: 500 }
      })
    }))

  it.live("tries are bounded, and a limit or a refusal isn't tried again", () =>
    Effect.gen(function*() {
      for (const [code, tries] of [[209, 3], [159, 1], [516, 1], [60, 1]] as const) {
        let seen = 0
        const url = yield* listen((request, response) => {
          if (!isKill(request)) seen += 1
          response.writeHead(code === 516 ? 401 : 500).end(
            `Code: ${code}. DB::Exception: ann: no. (SOME_NAME) (version 26.7)`
          )
        })
        noSecret(yield* Effect.flip(ask({ url, retries: 2 })))
        assert.strictEqual(seen, tries, `code ${code}`)
      }
    }))

  it.live("a command isn't tried again, since it may have run", () =>
    Effect.gen(function*() {
      let seen = 0
      const url = yield* listen((request, response) => {
        if (!isKill(request)) seen += 1
        response.writeHead(500).end("Code: 209. DB::Exception: Timeout. (SOCKET_TIMEOUT)")
      })
      const error = yield* Effect.flip(run({ url, retries: 2 }, Warehouse.use((_) => _.command(one))))
      assert.instanceOf(error, WarehouseUnavailable)
      assert.strictEqual(seen, 1)
    }))

  it.live("an error that echoes what it was sent is told without it", () =>
    Effect.gen(function*() {
      const url = yield* listen((request, response) => {
        const echo = `${request.headers.authorization} ${password} ${queryOf(request).get("param_p")}`
        response.writeHead(500).end(`Code: 48. DB::Exception: No: ${echo} (NOT_IMPLEMENTED)`)
      })
      const error = yield* Effect.flip(ask({ url }))
      assert.deepInclude(error, { _tag: "QueryRejected", clickhouseCode: 48 })
      noSecret(error)
    }))

  it.live("an answer that is cut, ends early or ends in an exception is never a result", () =>
    Effect.gen(function*() {
      const body = JSON.stringify(whole)
      const cases: ReadonlyArray<readonly [string, RequestListener, WarehouseError["_tag"]]> = [
        ["cut by the socket", (_, response) => {
          response.writeHead(200, { "Content-Length": body.length }).write(body.slice(0, 60))
          setTimeout(() => response.destroy(), 20)
        }, "WarehouseUnavailable"],
        ["ends early", (_, response) => void response.end(body.slice(0, -20)), "WarehouseUnavailable"],
        ["empty", (_, response) => void response.end(), "WarehouseUnavailable"],
        [
          "exception inside",
          (_, response) =>
            void response.end(`${body.slice(0, 60)}\nCode: 241. DB::Exception: Memory. (MEMORY_LIMIT_EXCEEDED)\n`),
          "QueryLimitExceeded"
        ],
        ["fewer rows than stated", (_, response) =>
          void response.end(JSON.stringify({ ...whole, rows: 2 })), "DecodeError"],
        ["two answers", (_, response) =>
          void response.end(body + body), "DecodeError"],
        ["a login page", (_, response) =>
          void response.end("<html>hello</html>"), "DecodeError"],
        ["a proxy's error", (_, response) =>
          void response.writeHead(502).end("<html>bad gateway</html>"), "WarehouseUnavailable"]
      ]
      for (const [name, handler, tag] of cases) {
        const error = yield* Effect.flip(ask({ url: yield* listen(handler) }))
        assert.deepInclude(error, { _tag: tag }, name)
        noSecret(error)
      }
    }))

  it.live("an interrupted query hangs up and is killed by a bound id", () =>
    Effect.gen(function*() {
      const killed: Array<readonly [string, string | null]> = []
      const arrived = yield* Deferred.make<void>()
      let hungUp = false
      const url = yield* listen((request, response) => {
        let text = ""
        request.on("data", (chunk) => (text += chunk))
        request.on("end", () => {
          if (text.startsWith("KILL")) {
            killed.push([text, queryOf(request).get("param_id")])
            response.end()
          } else {
            Deferred.doneUnsafe(arrived, Effect.void)
          }
        })
        response.on("close", () => (hungUp ||= !response.writableEnded))
      })
      yield* run(
        { url },
        Effect.gen(function*() {
          const fiber = yield* Effect.forkChild(Warehouse.use((_) => _.query(one, { queryId: "mine" })))
          yield* Deferred.await(arrived)
          yield* Fiber.interrupt(fiber)
        })
      )
      assert.deepStrictEqual(killed, [["KILL QUERY WHERE query_id = {id:String} ASYNC", "mine"]])
      assert.isTrue(hungUp)
    }))
})

describe("credentials", () => {
  it.live("a password that is missing is told by the name of its place", () =>
    Effect.gen(function*() {
      for (
        const [source, place] of [[{ env: "ASSAY_NOT_SET" }, "ASSAY_NOT_SET"], [
          { file: "/no/such/file" },
          "/no/such/file"
        ]] as const
      ) {
        const error = yield* Effect.flip(ask({ url: "http://localhost:1", password: source }))
        assert.instanceOf(error, WarehouseUnavailable)
        assert.include(error.message, place)
      }
    }))

  it.live("a password in the URL is refused and not repeated", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(ask({ url: "http://ann:s3cretInUrl@localhost:1" }))
      assert.match(error.hint, /password: \{ env/)
      assert.notMatch(JSON.stringify(error) + error.message, /s3cretInUrl/)
    }))
})
