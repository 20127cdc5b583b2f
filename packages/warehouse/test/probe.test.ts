/** The first thing that is wrong on the way to a server has a name. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import { readFileSync } from "node:fs"
import * as Http from "node:http"
import * as Https from "node:https"
import { createServer, type Server, type Socket } from "node:net"
import { fileURLToPath } from "node:url"
import { probe, type WarehouseConfig } from "../src/index.ts"

const file = (name: string) => fileURLToPath(new URL(`certificates/${name}`, import.meta.url))

const listening = (server: Server): Effect.Effect<number, never, Scope.Scope> => {
  const sockets = new Set<Socket>()
  return Effect.acquireRelease(
    Effect.callback<void>((resume) => {
      server.on("connection", (socket: Socket) => sockets.add(socket))
      server.listen(0, "127.0.0.1", () => resume(Effect.void))
    }),
    () =>
      Effect.sync(() => {
        server.close()
        sockets.forEach((socket) => socket.destroy())
      })
  ).pipe(Effect.map(() => {
    const address = server.address()
    return typeof address === "object" && address !== null ? address.port : 0
  }))
}

const pong = (at: string, seen: Array<Http.IncomingMessage> = []): Http.RequestListener => (request, response) => {
  seen.push(request)
  response.writeHead(request.url === at ? 200 : 404).end("Ok.\n")
}

/** The steps as `name` or `name!` for one that failed. */
const steps = (config: WarehouseConfig) =>
  probe(config).pipe(Effect.map((all) => all.map(({ ok, step }) => `${step}${ok ? "" : "!"}`)))

describe("a probe", () => {
  it.live("of a server passes each step, path and TLS included, and sends no credentials", () =>
    Effect.gen(function*() {
      const seen: Array<Http.IncomingMessage> = []
      const port = yield* listening(Http.createServer(pong("/ch/ping", seen)))
      const url = `http://127.0.0.1:${port}/ch/`
      assert.deepStrictEqual(yield* steps({ url, username: "ann" }), ["name", "connection", "http"])
      assert.notProperty(seen[0]!.headers, "authorization")
      const cert = { key: readFileSync(file("server.key")), cert: readFileSync(file("server.pem")) }
      const secure = yield* listening(Https.createServer(cert, pong("/ping")))
      const found = yield* probe({ url: `https://localhost:${secure}`, tls: { ca: file("ca.pem") } })
      assert.deepStrictEqual(found.map(({ step }) => step), ["name", "connection", "tls", "http"])
      assert.match(found[2]!.said, /TLSv1\.\d, certificate valid until .* 2120/)
      assert.deepStrictEqual(yield* steps({ url: `https://localhost:${secure}` }), ["name", "connection", "tls!"])
    }))

  it.live("ends at the first step that fails, with what to do", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* steps({ url: "http://no-such-host.invalid:8123" }), ["name!"])
      assert.deepStrictEqual(yield* steps({ url: "http://127.0.0.1:1" }), ["name", "connection!"])
      assert.deepStrictEqual(yield* steps({ url: "http://127.0.0.1:1", proxy: "http://127.0.0.1:1" }), [
        "name",
        "connection!"
      ])
      const port = yield* listening(Http.createServer(pong("/elsewhere")))
      const found = yield* probe({ url: `http://127.0.0.1:${port}` })
      assert.match(found.at(-1)!.said, /HTTP 404/)
      assert.isDefined(found.at(-1)!.mend)
      const password = { env: "ASSAY_NOT_SET" }
      assert.deepStrictEqual(yield* steps({ url: "http://127.0.0.1:1", username: "ann", password }), ["secrets!"])
    }))

  it.live("of something that isn't a web server, or hangs up, is told so", () =>
    Effect.gen(function*() {
      const port = yield* listening(createServer((socket) => socket.destroy()))
      assert.deepStrictEqual(yield* steps({ url: `http://127.0.0.1:${port}` }), ["name", "connection", "http!"])
    }))

  it.live("of the embedded engine has nothing to look at", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* probe({}), [])
    }))
})
