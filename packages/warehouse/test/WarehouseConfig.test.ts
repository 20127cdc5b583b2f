import { Result, Schema } from "effect"
import { describe, expect, it } from "vitest"
import { WarehouseConfig } from "../src/index.ts"

const decode = (input: unknown) =>
  Schema.decodeUnknownResult(WarehouseConfig)(input, { errors: "all", onExcessProperty: "error" })

describe("a warehouse's configuration", () => {
  it.each([
    [{}],
    [{ embedded: {} }],
    [{ embedded: { path: "./data" }, limits: { seconds: 1.5, rows: 10 }, retries: 0 }],
    [{ url: "https://ch.example:8443", username: "ann", password: { env: "PW" }, database: "events" }],
    [{ url: "http://localhost:8123/events", password: { file: "secret.txt" } }],
    [{
      url: "https://gateway/ch/",
      access_token: { env: "TOKEN" },
      tls: { ca: "ca.pem" },
      compression: { response: true }
    }],
    [{ url: "https://ch", tls: { cert: "me.pem", key: "me.key" }, connections: 4, keep_alive_seconds: 0 }],
    [{ url: "http://ch", proxy: "http://proxy:3128" }],
    [{ url: "http://ch", proxy: { env: "PROXY" }, limits: { spill_bytes: 1e9 } }]
  ])("%j is one", (input) => {
    expect(Result.isSuccess(decode(input))).toBe(true)
  })

  it.each([
    [{ url: "localhost:8123" }, /http:\/\//],
    [{ url: "no url" }, /http:\/\/localhost:8123/],
    [{ url: "tcp://localhost:9000" }, /8123/],
    [{ url: "http://ann:hunter2@localhost:8123" }, /env/],
    [{ url: "http://hunter2@localhost:8123" }, /env/],
    [{ url: "http://localhost:8123?password=hunter2" }, /query string/],
    [{ url: "http://localhost:8123", password: "hunter2" }, /password/],
    [{ url: "http://localhost:8123", embedded: {} }, /not both/],
    [{ username: "ann" }, /url/],
    [{ limits: { seconds: 0 } }, /seconds/],
    [{ limits: { rows: 1.5 } }, /rows/],
    [{ retries: -1 }, /retries/],
    [{ tls: { ca: "ca.pem" } }, /url/],
    [{ url: "http://ch", tls: { ca: "ca.pem" } }, /https/],
    [{ url: "https://ch", tls: { cert: "me.pem" } }, /together/],
    [{ url: "https://ch", username: "ann", access_token: { env: "TOKEN" } }, /not both/],
    [{ url: "https://ch", proxy: "http://ann:hunter2@proxy:3128" }, /env/],
    [{ url: "https://ch", proxy: "socks5://proxy:1080" }, /http:\/\//],
    [{ url: "https://ch", connections: 0 }, /connections/]
  ])("%j isn't, and says why", (input, why) => {
    const decoded = decode(input)
    expect(Result.isFailure(decoded) && String(decoded.failure)).toMatch(why)
  })

  it("a URL with a password isn't repeated by the error", () => {
    const decoded = decode({ url: "http://ann:hunter2@localhost:8123" })
    expect(Result.isFailure(decoded) && String(decoded.failure)).not.toMatch(/hunter2/)
  })
})
