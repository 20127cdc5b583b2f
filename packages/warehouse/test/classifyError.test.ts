import { WarehouseUnavailable } from "@assay/model"
import { parseError } from "@clickhouse/client"
import { describe, expect, it } from "vitest"
import { classifyError, isTransient } from "../src/index.ts"

const limits = { seconds: 5, memory_bytes: 10, rows: 20, bytes: 30 }
const said = (
  code: number,
  type: string,
  text: string,
  values: ReadonlyArray<string> = [],
  secrets: ReadonlyArray<string> = []
) =>
  classifyError(parseError(`Code: ${code}. DB::Exception: ${text} (${type}) (version 26.7.2.1 (official build))`), {
    queryId: "q",
    limits,
    values,
    secrets
  })

describe("a limit that was hit", () => {
  it.each([
    [159, "TIMEOUT_EXCEEDED", "time", 5],
    [160, "TOO_SLOW", "time", 5],
    [241, "MEMORY_LIMIT_EXCEEDED", "memory", 10],
    [158, "TOO_MANY_ROWS", "rows", 20],
    [307, "TOO_MANY_BYTES", "bytes", 30],
    [396, "TOO_MANY_ROWS_OR_BYTES", "result", undefined]
  ])("%i %s is %s, and isn't tried again", (code, type, limit, value) => {
    const error = said(code, type, "Limit.")
    expect(error).toMatchObject({ _tag: "QueryLimitExceeded", limit, value, queryId: "q" })
    expect(isTransient(error)).toBe(false)
  })

  it("too many queries at once is one, and is tried again", () => {
    const error = said(202, "TOO_MANY_SIMULTANEOUS_QUERIES", "Too many simultaneous queries.")
    expect(error).toMatchObject({ _tag: "QueryLimitExceeded", limit: "concurrency" })
    expect(isTransient(error)).toBe(true)
  })
})

it.each([
  [209, "SOCKET_TIMEOUT"],
  [210, "NETWORK_ERROR"],
  [279, "ALL_CONNECTION_TRIES_FAILED"],
  [439, "CANNOT_SCHEDULE_TASK"],
  [198, "DNS_ERROR"]
])("%i %s is the way to the servers, and is tried again", (code, type) => {
  const error = said(code, type, "No way.")
  expect(error).toBeInstanceOf(WarehouseUnavailable)
  expect(isTransient(error)).toBe(true)
})

it("a server that said nothing for all the time that a query may take isn't asked again at once", () => {
  const waiting = (millis: number) =>
    said(
      209,
      "SOCKET_TIMEOUT",
      `Timeout exceeded while reading from socket (node3:9000, receive timeout ${millis} ms).`
    )
  expect([1_000, 5_000].map(waiting).map(isTransient)).toEqual([true, false])
  const silent = classifyError(new Error("Timeout error."))
  expect(silent).toBeInstanceOf(WarehouseUnavailable)
  expect(isTransient(silent)).toBe(false)
})

it.each([
  [516, "AUTHENTICATION_FAILED", /password/],
  [497, "ACCESS_DENIED", /Grant/],
  [701, "CLUSTER_DOESNT_EXIST", /events\.cluster\.name/],
  [164, "READONLY", /readonly = 2/],
  [60, "UNKNOWN_TABLE", /events\.table/],
  [81, "UNKNOWN_DATABASE", /database/],
  [47, "UNKNOWN_IDENTIFIER", /column mapping/],
  [62, "SYNTAX_ERROR", /assay explain/],
  [48, "NOT_IMPLEMENTED", /assay explain/]
])("%i %s is rejected with a hint, and isn't tried again", (code, type, hint) => {
  const error = said(code, type, "It says this.")
  expect(error).toMatchObject({ _tag: "QueryRejected", clickhouseCode: code, clickhouseName: type })
  expect(error.hint).toMatch(hint)
  expect(isTransient(error)).toBe(false)
})

describe("the message", () => {
  it("keeps ClickHouse's sentence and leaves out version, statement and stack trace", () => {
    expect(said(60, "UNKNOWN_TABLE", "Table default.e doesn't exist. Maybe you meant default.f?").message).toBe(
      "ClickHouse said 60 UNKNOWN_TABLE: Table default.e doesn't exist. Maybe you meant default.f?."
    )
    const traced = "Unknown identifier `a`: While processing SELECT 'v'. Stack trace: 0. main"
    expect(said(47, "UNKNOWN_IDENTIFIER", traced).message).toBe(
      "ClickHouse said 47 UNKNOWN_IDENTIFIER: Unknown identifier `a`."
    )
  })

  it("repeats no bound value, whichever way ClickHouse quotes it", () => {
    const values = ["a\\b'c\td", "jo"]
    const error = said(
      36,
      "BAD_ARGUMENTS",
      "Bad 'a\\\\b\\'c\\td', `a\\\\b'c\\td`, a\\b'c\td and 'jo' in joint",
      values
    )
    expect(error.message).toBe("ClickHouse said 36 BAD_ARGUMENTS: Bad '…', `…`, … and '…' in joint.")
  })

  it("leaves words whole that a bound value is a part of, and secrets out of them", () => {
    const text = "controlled by 'control', control; xpass-Word.x"
    expect(said(36, "BAD_ARGUMENTS", text, ["control"], ["pass-Word."]).message).toBe(
      "ClickHouse said 36 BAD_ARGUMENTS: controlled by '…', …; x…x."
    )
  })

  it("leaves out the sentence where it quotes a piece of a value, and names the parameter", () => {
    const text =
      "Value zz cannot be parsed as UInt8 for query parameter 'p' because it isn't parsed completely: zsecret"
    expect(said(457, "BAD_QUERY_PARAMETER", text).message).toMatch(/parameter p as UInt8\.$/)
    expect(said(27, "CANNOT_PARSE_INPUT_ASSERTION_FAILED", "expected ',' before: 'zsecret'").message).not.toMatch(
      /zsecret/
    )
  })
})

it.each(["ECONNREFUSED", "ENOTFOUND", "ECONNRESET", "ETIMEDOUT"])("a socket's %s is the way to the server", (code) => {
  const cause = Object.assign(new Error(`connect ${code} 10.0.0.1:8123`), { code })
  for (const each of [cause, new AggregateError([cause])]) {
    const error = classifyError(each)
    expect(error).toBeInstanceOf(WarehouseUnavailable)
    expect(error.message).toContain(code)
  }
})

it("what isn't ClickHouse's isn't repeated", () => {
  const error = classifyError(new Error("<html>Authorization: Basic c2VjcmV0</html>"))
  expect(error).toBeInstanceOf(WarehouseUnavailable)
  expect(JSON.stringify(error) + error.message).not.toMatch(/c2VjcmV0|html/)
})

it("a value that is longer than an HTTP form takes is a refusal, not an outage", () => {
  const error = classifyError(
    new Error("Poco::Exception. Code: 1000, e.code() = 0, HTML Form Exception: Field value too long")
  )
  expect(error).toMatchObject({ _tag: "QueryRejected", clickhouseCode: 1000 })
})
