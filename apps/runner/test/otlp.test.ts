/** What a collector gets to know of runs over OTLP: a stub of one, in the test, and the built command. */
import { once } from "node:events"
import { createServer, type IncomingHttpHeaders } from "node:http"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { assay, config, project } from "./assay.ts"

/** An attribute, a span and a metric in OTLP's JSON (https://opentelemetry.io/docs/specs/otlp/), as far as it is looked at. */
interface Attribute {
  readonly key: string
  readonly value: Readonly<Record<string, unknown>>
}

interface Span {
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly attributes: ReadonlyArray<Attribute>
}

interface Point {
  readonly attributes: ReadonlyArray<Attribute>
  readonly asDouble?: number
  readonly asInt?: number | string
  readonly count?: number | string
}

interface Told {
  readonly name: string
  readonly sum?: { readonly dataPoints: ReadonlyArray<Point> }
  readonly gauge?: { readonly dataPoints: ReadonlyArray<Point> }
  readonly histogram?: { readonly dataPoints: ReadonlyArray<Point> }
}

interface Message {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

const secrets = { OTLP_TOKEN: "collector-hunter2", RESULTS_PASSWORD: "writer-hunter2" }

let messages: Array<Message> = []
const collector = createServer((request, response) => {
  let text = ""
  request.setEncoding("utf8").on("data", (piece: string) => {
    text += piece
  })
  request.on("end", () => {
    messages.push({ path: request.url ?? "", headers: request.headers, text })
    response.setHeader("content-type", "application/json").end("{}")
  })
})

let environment: Readonly<Record<string, string>>
beforeAll(async () => {
  collector.listen(0, "127.0.0.1")
  await once(collector, "listening")
  const address = collector.address()
  environment = {
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}/`,
    OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer%20${secrets.OTLP_TOKEN}`,
    OTEL_SERVICE_NAME: "assay-test",
    RESULTS_PASSWORD: secrets.RESULTS_PASSWORD
  }
})
afterAll(() => collector.close())

/** Runs what is due in a project, and answers what the collector got. */
const collected = async (cwd: string) => {
  messages = []
  const outcome = await assay(["watch", "--once"], { cwd, env: environment })
  const bodies = <A>(path: string) =>
    messages.filter((message) => message.path === path).map(({ text }) => JSON.parse(text) as A)
  const spans = bodies<{ resourceSpans: ReadonlyArray<{ scopeSpans: ReadonlyArray<{ spans: ReadonlyArray<Span> }> }> }>(
    "/v1/traces"
  ).flatMap(({ resourceSpans }) => resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)))
  const metrics = bodies<
    { resourceMetrics: ReadonlyArray<{ scopeMetrics: ReadonlyArray<{ metrics: ReadonlyArray<Told> }> }> }
  >("/v1/metrics").flatMap(({ resourceMetrics }) =>
    resourceMetrics.flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics))
  )
  /** The last value told of a metric, of the points with an attribute's value. */
  const value = (name: string, of?: string): number => {
    const point = metrics.filter((metric) => metric.name === name)
      .flatMap(({ gauge, histogram, sum }) => [sum, gauge, histogram].flatMap((kind) => kind?.dataPoints ?? []))
      .findLast(({ attributes }) => of === undefined || attributes.some(({ value }) => value["stringValue"] === of))
    return Number(point?.asDouble ?? point?.asInt ?? point?.count ?? Number.NaN)
  }
  return { outcome, spans, value }
}

/** The names of a span's ancestors, itself first. */
const lineage = (spans: ReadonlyArray<Span>, span: Span): ReadonlyArray<string> => {
  const parent = spans.find(({ spanId, traceId }) => spanId === span.parentSpanId && traceId === span.traceId)
  return [span.name, ...(parent === undefined ? [] : lineage(spans, parent))]
}

describe("over OTLP", () => {
  it("a run is a trace with a span for each stage and query, and counted", async () => {
    const results =
      `results: { url: "http://127.0.0.1:1", username: "writer", password: { env: "RESULTS_PASSWORD" }, retries: 0 }`
    const { outcome, spans, value } = await collected(project({ "assay.config.ts": config(results) }))
    expect(outcome.code).toBe(0)
    const run = spans.find(({ name }) => name === "watch.run")!
    expect(run.attributes).toContainEqual({ key: "experiment", value: { stringValue: "checkout" } })
    const mine = spans.filter(({ traceId }) => traceId === run.traceId)
    const names = new Set(mine.map(({ name }) => name))
    expect([...names]).toEqual(expect.arrayContaining([
      "recompute.fingerprint",
      "recompute.plan",
      "recompute.query",
      "recompute.decode",
      "recompute.publish",
      "Store.put"
    ]))
    const queries = mine.filter(({ name }) => name === "Warehouse.query")
    expect(queries.length).toBeGreaterThanOrEqual(2)
    for (const query of queries) expect(lineage(mine, query).at(-1)).toBe("watch.run")

    expect(messages.map(({ path }) => path)).toContain("/v1/metrics")
    expect(value("assay_runs_total", "new")).toBe(1)
    expect(value("assay_run_duration_milliseconds")).toBe(1)
    expect(value("assay_run_wait_milliseconds")).toBe(1)
    expect(value("assay_rows_read_total")).toBeGreaterThan(0)
    expect(value("assay_bytes_read_total")).toBeGreaterThan(0)
    expect(value("assay_result_age_seconds", "checkout")).toBeGreaterThanOrEqual(0)
    expect([value("assay_runs_queued"), value("assay_runs_running"), value("assay_experiments_dead")]).toEqual([
      0,
      0,
      0
    ])
    expect(value("assay_definitions_ok")).toBe(1)
    // The results can't be written to ClickHouse, which is logged; so the password was used.
    expect(outcome.stderr).toMatch(
      /the result isn't written to ClickHouse.* experiment=checkout run=.* hint=".*results\.url/
    )
  })

  it("an attempt that is made again is counted by its code", async () => {
    const away = "export default { warehouse: { url: \"http://127.0.0.1:1\", retries: 0 } }\n"
    const { outcome, spans, value } = await collected(project({ "assay.config.ts": away }))
    expect(outcome.code).toBe(1)
    expect(value("assay_retries_total", "warehouse_unavailable")).toBe(1)
    expect(value("assay_runs_queued")).toBe(1)
    expect(spans.map(({ name }) => name)).toContain("watch.run")
  })

  it("no secret is told, but the one that the collector itself asks for", async () => {
    await collected(
      project({
        "assay.config.ts": config(
          `results: { url: "http://127.0.0.1:1", password: { env: "RESULTS_PASSWORD" }, retries: 0 }`
        )
      })
    )
    expect(new Set(messages.map(({ path }) => path))).toEqual(new Set(["/v1/traces", "/v1/metrics", "/v1/logs"]))
    for (const { headers, text } of messages) {
      expect(headers.authorization).toBe(`Bearer ${secrets.OTLP_TOKEN}`)
      expect(text).toContain("assay-test")
      for (const secret of Object.values(secrets)) expect(text).not.toContain(secret)
    }
  })

  it("nothing is told where no collector is named, and a URL that isn't one is refused", async () => {
    messages = []
    const cwd = project()
    expect((await assay(["watch", "--once"], { cwd })).code).toBe(0)
    expect(messages).toEqual([])
    const { code, stderr } = await assay(["watch", "--once"], {
      cwd,
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: "collector" }
    })
    expect(code).toBe(2)
    expect(stderr).toMatch(/OTEL_EXPORTER_OTLP_ENDPOINT isn't a URL\n {2}Name the collector/)
  })
})

it("headers that can't be read are refused before anything begins, without their text", async () => {
  const cwd = project({ "assay.config.ts": config("") })
  const env = { ...environment, OTEL_EXPORTER_OTLP_HEADERS: "authorization=hunter2%" }
  const { code, stderr } = await assay(["watch", "--once"], { cwd, env })
  expect(code).toBe(2)
  expect(stderr).toMatch(/OTEL_EXPORTER_OTLP_HEADERS.*\n.*%25/)
  expect(stderr).not.toContain("hunter2")
})
