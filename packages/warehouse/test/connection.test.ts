/** The way to a server: paths, TLS, proxies, compression, the pool. */
import { WarehouseUnavailable } from "@assay/model"
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import { readFileSync } from "node:fs"
import * as Http from "node:http"
import * as Https from "node:https"
import { connect, type Socket } from "node:net"
import type { TLSSocket } from "node:tls"
import { fileURLToPath } from "node:url"
import { gzipSync } from "node:zlib"
import { Warehouse, type WarehouseConfig } from "../src/index.ts"

const file = (name: string) => fileURLToPath(new URL(`certificates/${name}`, import.meta.url))
const pem = (name: string) => readFileSync(file(name), "utf8")

const answer = JSON.stringify({
  meta: [{ name: "one", type: "UInt8" }],
  data: [[1]],
  rows: 1,
  statistics: { elapsed: 0.5, rows_read: 1, bytes_read: 1 }
})

const portOf = (server: Http.Server): number => {
  const address = server.address()
  return typeof address === "object" && address !== null ? address.port : 0
}

/** Starts a server on a port of its own; it ends with the test. */
const listening = (make: () => Http.Server): Effect.Effect<number, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<Http.Server>((resume) => {
      const server = make()
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
  ).pipe(Effect.map(portOf))

/** A server that answers each query with one row, and keeps what was asked. */
const plainServer = (requests: Array<Http.IncomingMessage>) =>
  listening(() =>
    Http.createServer((request, response) => {
      requests.push(request)
      request.resume().on("end", () => response.end(answer))
    })
  )

const secureServer = (requests: Array<Http.IncomingMessage>, options: Https.ServerOptions) =>
  listening(() =>
    Https.createServer(options, (request, response) => {
      requests.push(request)
      request.resume().on("end", () => response.end(answer))
    })
  )

/** An HTTP proxy that tunnels (CONNECT) and forwards, after a look at who asks. */
const proxyServer = (seen: Array<string>, allowed: (authorization: string | undefined) => boolean = () => true) =>
  listening(() => {
    const sockets = new Set<Socket>()
    return Http.createServer((request, response) => {
      seen.push(`${request.method} ${request.url?.split("?")[0]}`)
      if (!allowed(request.headers["proxy-authorization"])) return void response.writeHead(407).end()
      const forwarded = Http.request(
        request.url!,
        { method: request.method!, headers: request.headers },
        (from) => {
          response.writeHead(from.statusCode!, from.headers)
          from.pipe(response)
        }
      )
      request.pipe(forwarded)
    }).on("connect", (request: Http.IncomingMessage, client: Socket) => {
      seen.push(`CONNECT ${request.url}`)
      if (!allowed(request.headers["proxy-authorization"])) {
        return void client.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
      }
      const [host, port] = request.url!.split(":")
      const target = connect(Number(port), host, () => {
        client.write("HTTP/1.1 200 Connection established\r\n\r\n")
        target.pipe(client).pipe(target)
      })
      for (const socket of [target, client]) sockets.add(socket.on("error", () => {}))
    }).on("close", () => sockets.forEach((socket) => socket.destroy()))
  })

const ping = (config: WarehouseConfig) =>
  Warehouse.use((_) => _.ping()).pipe(Effect.provide(Warehouse.layer({ retries: 0, ...config })))

const failure = (config: WarehouseConfig) =>
  Effect.flip(ping(config)).pipe(
    Effect.tap((error) => Effect.sync(() => assert.instanceOf(error, WarehouseUnavailable)))
  )

const pathOf = (request: Http.IncomingMessage) => new URL(request.url!, "http://x").pathname

const inEnvironment = (name: string, value: string) =>
  Effect.acquireRelease(
    Effect.sync(() => (process.env[name] = value)),
    () => Effect.sync(() => delete process.env[name])
  )

describe("the address", () => {
  it.live.each(["", "/", "/clickhouse", "/clickhouse/", "/a/b/"])(
    "the path %j is kept as it is",
    (path) =>
      Effect.gen(function*() {
        const requests: Array<Http.IncomingMessage> = []
        const port = yield* plainServer(requests)
        yield* ping({ url: `http://127.0.0.1:${port}${path}`, database: "shop" })
        assert.deepStrictEqual(requests.map(pathOf), [path === "" ? "/" : path])
        assert.strictEqual(new URL(requests[0]!.url!, "http://x").searchParams.get("database"), "shop")
      })
  )
})

describe("credentials", () => {
  it.live("an access token is sent as a bearer, and never told", () =>
    Effect.gen(function*() {
      yield* inEnvironment("ASSAY_TEST_TOKEN", "tok3n-of-ann")
      const requests: Array<Http.IncomingMessage> = []
      const port = yield* plainServer(requests)
      yield* ping({ url: `http://127.0.0.1:${port}`, access_token: { env: "ASSAY_TEST_TOKEN" } })
      assert.strictEqual(requests[0]!.headers.authorization, "Bearer tok3n-of-ann")
      const echo = yield* listening(() =>
        Http.createServer((request, response) =>
          void response.writeHead(500).end(
            `Code: 48. DB::Exception: ${request.headers.authorization} (NOT_IMPLEMENTED)`
          )
        )
      )
      const error = yield* Effect.flip(
        ping({ url: `http://127.0.0.1:${echo}`, access_token: { env: "ASSAY_TEST_TOKEN" } })
      )
      assert.notInclude(error.message, "tok3n")
    }))

  it.live("a file that is missing, empty or no certificate is told by its name and key", () =>
    Effect.gen(function*() {
      const url = "https://127.0.0.1:1"
      const missing = yield* failure({ url, tls: { ca: "/no/such.pem" } })
      assert.match(missing.message, /\/no\/such\.pem.*warehouse\.tls\.ca/)
      const text = yield* failure({ url, tls: { ca: file("README.md") } })
      assert.match(text.message, /README\.md.*PEM/)
      const token = yield* failure({ url, access_token: { env: "ASSAY_NOT_SET" } })
      assert.match(token.message + token.hint, /ASSAY_NOT_SET.*access token.*warehouse\.access_token/s)
    }))
})

describe("TLS", () => {
  const server = { key: pem("server.key"), cert: pem("server.pem") }

  it.live("a server whose authority is named is trusted, with a password or a token", () =>
    Effect.gen(function*() {
      yield* inEnvironment("ASSAY_TEST_TOKEN", "tok3n")
      const requests: Array<Http.IncomingMessage> = []
      const port = yield* secureServer(requests, server)
      const url = `https://127.0.0.1:${port}`
      yield* ping({ url, tls: { ca: file("ca.pem") }, username: "ann", password: { env: "ASSAY_TEST_TOKEN" } })
      yield* ping({ url, tls: { ca: file("ca.pem") }, access_token: { env: "ASSAY_TEST_TOKEN" } })
      assert.deepStrictEqual(requests.map((request) => request.headers.authorization?.split(" ")[0]), [
        "Basic",
        "Bearer"
      ])
    }))

  it.live("one that isn't trusted, is for another host, or doesn't speak TLS is told apart, with what to do", () =>
    Effect.gen(function*() {
      const port = yield* secureServer([], server)
      const untrusted = yield* failure({ url: `https://127.0.0.1:${port}` })
      assert.match(untrusted.message + untrusted.hint, /isn't trusted.*warehouse\.tls\.ca/)
      const other = yield* secureServer([], { key: pem("elsewhere.key"), cert: pem("elsewhere.pem") })
      const elsewhere = yield* failure({ url: `https://127.0.0.1:${other}`, tls: { ca: file("ca.pem") } })
      assert.match(elsewhere.message + elsewhere.hint, /another host.*warehouse\.url/)
      const clear = yield* plainServer([])
      const plain = yield* failure({ url: `https://127.0.0.1:${clear}` })
      assert.match(plain.message + plain.hint, /doesn't speak TLS.*http:\/\//)
    }))

  it.live("a client's certificate is shown; without a password it stands for the user", () =>
    Effect.gen(function*() {
      const requests: Array<Http.IncomingMessage> = []
      const port = yield* secureServer(requests, { ...server, ca: pem("ca.pem"), requestCert: true })
      const url = `https://127.0.0.1:${port}`
      const tls = { ca: file("ca.pem"), cert: file("client.pem"), key: file("client.key") }
      yield* ping({ url, tls, username: "ann" })
      const [{ headers, socket }] = requests as [Http.IncomingMessage]
      assert.deepInclude(headers, { "x-clickhouse-user": "ann", "x-clickhouse-ssl-certificate-auth": "on" })
      assert.notProperty(headers, "authorization")
      assert.isTrue((socket as TLSSocket).authorized)
    }))

  it.live("a server that asks for a certificate says so to a client without one", () =>
    Effect.gen(function*() {
      const port = yield* secureServer([], {
        ...server,
        ca: pem("ca.pem"),
        requestCert: true,
        rejectUnauthorized: true,
        maxVersion: "TLSv1.2"
      })
      const error = yield* failure({ url: `https://127.0.0.1:${port}`, tls: { ca: file("ca.pem") } })
      assert.match(error.message + error.hint, /refuses this client.*tls\.cert/)
    }))
})

describe("a proxy", () => {
  it.live("tunnels to a server with TLS, whose certificate is still looked at", () =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      const requests: Array<Http.IncomingMessage> = []
      const port = yield* secureServer(requests, { key: pem("server.key"), cert: pem("server.pem") })
      const proxy = `http://127.0.0.1:${yield* proxyServer(seen)}`
      yield* ping({ url: `https://127.0.0.1:${port}`, proxy, tls: { ca: file("ca.pem") } })
      assert.deepStrictEqual(seen, [`CONNECT 127.0.0.1:${port}`])
      assert.lengthOf(requests, 1)
      const untrusted = yield* failure({ url: `https://127.0.0.1:${port}`, proxy })
      assert.match(untrusted.message, /isn't trusted/)
    }))

  it.live("carries requests to a server without TLS, path and all", () =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      const port = yield* plainServer([])
      const proxy = `http://127.0.0.1:${yield* proxyServer(seen)}`
      yield* ping({ url: `http://127.0.0.1:${port}/ch/`, proxy })
      assert.lengthOf(seen, 1)
      assert.match(seen[0]!, /^(CONNECT 127|POST http:\/\/127\.0\.0\.1:\d+\/ch\/)/)
    }))

  it.live("that asks for a password gets it from its secret, and no message tells it", () =>
    Effect.gen(function*() {
      const port = yield* secureServer([], { key: pem("server.key"), cert: pem("server.pem") })
      const allowed = `Basic ${Buffer.from("ann:pr0xy-secret").toString("base64")}`
      const at = yield* proxyServer([], (authorization) => authorization === allowed)
      const config = {
        url: `https://127.0.0.1:${port}`,
        proxy: { env: "ASSAY_TEST_PROXY" },
        tls: { ca: file("ca.pem") }
      }
      yield* inEnvironment("ASSAY_TEST_PROXY", `http://ann:pr0xy-secret@127.0.0.1:${at}`)
      yield* ping(config)
      process.env["ASSAY_TEST_PROXY"] = `http://ann:wr0ng-secret@127.0.0.1:${at}`
      const refused = yield* failure(config)
      assert.match(refused.message + refused.hint, /proxy/)
      assert.notMatch(refused.message + refused.hint + String(refused.stack), /wr0ng/)
    }))

  it.live("whose address has a stray % is refused without its text", () =>
    Effect.gen(function*() {
      yield* inEnvironment("ASSAY_TEST_PROXY", "http://ann:hunter2%@127.0.0.1:1")
      const refused = yield* failure({ url: "http://127.0.0.1:1", proxy: { env: "ASSAY_TEST_PROXY" } })
      assert.match(refused.message + refused.hint, /warehouse\.proxy.*%25/)
      assert.notMatch(refused.message + refused.hint, /hunter2/)
    }))

  it.live("that isn't there is told as what can't be reached", () =>
    Effect.gen(function*() {
      const error = yield* failure({ url: "https://127.0.0.1:2", proxy: "http://127.0.0.1:1" })
      assert.match(error.message, /ECONNREFUSED/)
      assert.notMatch(error.message, /:2/)
    }))
})

describe("the pool", () => {
  it.live("answers and requests are compressed where it is asked for", () =>
    Effect.gen(function*() {
      const accepted: Array<unknown> = []
      const port = yield* listening(() =>
        Http.createServer((request, response) => {
          accepted.push(request.headers["accept-encoding"])
          request.resume().on("end", () => {
            response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(answer))
          })
        })
      )
      yield* ping({ url: `http://127.0.0.1:${port}`, compression: { response: true } })
      assert.deepStrictEqual(accepted, ["gzip"])
    }))

  it.live("at most so many connections are open, and they are used again", () =>
    Effect.gen(function*() {
      const open = new Set<unknown>()
      let [most, made] = [0, 0]
      const port = yield* listening(() =>
        Http.createServer((request, response) => {
          request.resume().on("end", () => setTimeout(() => response.end(answer), 10))
        }).on("connection", (socket: Socket) => {
          made += 1
          open.add(socket)
          most = Math.max(most, open.size)
          socket.on("close", () => open.delete(socket))
        })
      )
      const pings = Warehouse.use((_) =>
        Effect.forEach(Array.from({ length: 12 }), () => _.ping(), { concurrency: 12 })
      )
      const url = `http://127.0.0.1:${port}`
      yield* pings.pipe(Effect.provide(Warehouse.layer({ url, connections: 3 })))
      assert.deepStrictEqual([most, made], [3, 3])
      ;[most, made] = [0, 0]
      yield* pings.pipe(Effect.provide(Warehouse.layer({ url, connections: 3, keep_alive_seconds: 0 })))
      assert.isAtMost(most, 4)
      assert.strictEqual(made, 12)
    }))
})
