/** The page: how heavy it is, how soon it is there, and how long requests wait, on the real `assay serve`. */
import { launch, type Serving, serving } from "@assay/browser"
import { large, shipping, statement } from "@assay/example-summaries"
import type { ResultsSummary } from "@assay/model"
import { Store } from "@assay/store"
import { Effect } from "effect"
import { createHash } from "node:crypto"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { median, table } from "./measure.ts"

const experimentFile = (key: string): string =>
  `key: ${key}
environment: production
feature: ${key}
started_at: 2026-01-05
control: control
variants: [{ key: control, share: 1 }, { key: treatment, share: 1 }]
metrics: [{ metric: purchased, role: goal }]
`

/** Readers who take turns, so that none asks more often than it may. */
const readers = Array.from({ length: 10 }, (_, i) => `reader-${i}`)

/** A project of these results: one experiment each, by their names. */
const project = (root: string, summaries: ReadonlyArray<ResultsSummary>): Promise<void> => {
  for (const folder of ["experiments", "metrics"]) mkdirSync(join(root, folder), { recursive: true })
  writeFileSync(join(root, "assay.config.ts"), "export default {}\n")
  writeFileSync(
    join(root, "metrics/purchased.yaml"),
    "key: purchased\naggregation: occurrence\nevent: purchase\ndirection: up\n"
  )
  const tokens = readers.map((name) => ({
    name,
    sha256: createHash("sha256").update(name).digest("hex"),
    scopes: ["read"]
  }))
  writeFileSync(join(root, "tokens.json"), JSON.stringify({ tokens }))
  for (const { experiment } of summaries) {
    writeFileSync(join(root, `experiments/${experiment}.yaml`), experimentFile(experiment))
  }
  return Effect.runPromise(
    Effect.forEach(summaries, (summary) =>
      Effect.flatMap(Store, (store) => {
        const { as_of, experiment } = summary
        return store.put({ id: "results", experiment, as_of, summary, statement })
      }), { discard: true }).pipe(Effect.provide(Store.layerFiles(join(root, ".assay"))))
  )
}

const start = (root: string): Promise<Serving> => serving(root, ["--tokens", join(root, "tokens.json")])

/** The cookies of all readers, signed in. */
const signIn = ({ url }: Serving): Promise<ReadonlyArray<string>> =>
  Promise.all(readers.map(async (token) => {
    const answer = await fetch(`${url}/sign-in`, {
      method: "POST",
      redirect: "manual",
      body: new URLSearchParams({ token })
    })
    return answer.headers.get("set-cookie")?.split(";")[0] ?? ""
  }))

/**
 * From the request to the page's `load` event in Chromium, in milliseconds, with an empty cache of the browser each time; the processor time that
 * the page took there, which other programs change less; and its size.
 */
const loads = async ({ url }: Serving, cookie: string, path: string, rounds: number) => {
  const browser = await launch()
  const millis: Array<number> = []
  const cpuMillis: Array<number> = []
  let nodes = 0
  for (let i = 0; i < rounds; i++) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } })
    const [name = "", value = ""] = cookie.split("=")
    await context.addCookies([{ name, value, url }])
    const page = await context.newPage()
    const devtools = await context.newCDPSession(page)
    await devtools.send("Performance.enable", { timeDomain: "threadTicks" })
    await page.goto(`${url}${path}`, { waitUntil: "load", timeout: 120_000 })
    millis.push(await page.evaluate<number>("performance.getEntriesByType('navigation')[0].loadEventEnd"))
    const { metrics } = await devtools.send("Performance.getMetrics")
    cpuMillis.push(1000 * (metrics.find(({ name }) => name === "TaskDuration")?.value ?? 0))
    nodes = await page.evaluate<number>("document.querySelectorAll('*').length")
    await context.close()
  }
  await browser.close()
  return { cpuMillis, millis, nodes }
}

const percentile = (values: ReadonlyArray<number>, share: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.ceil(values.length * share) - 1)]!

/** How long requests wait, so many of them, two at a time. */
const latencies = async (
  { url }: Serving,
  cookies: ReadonlyArray<string>,
  paths: ReadonlyArray<string>,
  requests: number
) => {
  const millis: Array<number> = []
  let bytes = 0
  const ask = async (first: number) => {
    for (let i = first; i < requests; i += 2) {
      const start = performance.now()
      const answer = await fetch(`${url}${paths[i % paths.length]!}`, {
        headers: { cookie: cookies[i % cookies.length]! }
      })
      bytes = (await answer.arrayBuffer()).byteLength
      if (answer.status !== 200) throw new Error(`${paths[i % paths.length]!} answered ${answer.status}`)
      millis.push(performance.now() - start)
    }
  }
  await Promise.all([ask(0), ask(1)])
  return { millis, bytes }
}

const ms = (x: number): string => `${Math.round(x)} ms`

/** A page of so many metrics and arms, and the list among so many other experiments. */
export const pageBenchmark = async (root: string, metrics: number, arms: number, others: number): Promise<string> => {
  const one = large(metrics, arms)
  const rest = Array.from(
    { length: others },
    (_, i): ResultsSummary => ({ ...shipping, experiment: `experiment_${i}` })
  )
  await project(root, [one, ...rest])
  const starts: Array<number> = []
  for (let i = 0; i < 3; i++) {
    const server = await start(root)
    starts.push(server.startMillis)
    await server.close()
  }
  const server = await start(root)
  try {
    const cookies = await signIn(server)
    const path = `/experiments/${one.experiment}`
    const first = await latencies(server, cookies, [path], 1)
    const shown = await loads(server, cookies[0]!, path, 5)
    const list = await loads(server, cookies[0]!, "/", 5)
    const page = await latencies(server, cookies, [path], 100)
    const pages = await latencies(
      server,
      cookies,
      rest.map(({ experiment }) => `/experiments/${experiment}`),
      2 * others
    )
    const lists = await latencies(server, cookies, ["/"], 100)
    const row = (name: string, { bytes, millis }: Awaited<ReturnType<typeof latencies>>) => [
      name,
      `${Math.round(bytes / 1000)} kB`,
      ms(median(millis)),
      ms(percentile(millis, 0.95))
    ]
    return [
      `assay serve: start until it answers ${ms(median(starts))}`,
      `${metrics} metrics × ${arms} arms: first answer ${ms(first.millis[0]!)}, then load in Chromium ${
        ms(median(shown.millis))
      } (${ms(median(shown.cpuMillis))} of processor time, ${shown.nodes.toLocaleString("en-US")} elements); list of ${
        others + 1
      }: ${ms(median(list.millis))}`,
      "",
      table(["page", "weight", "median", "p95"], [
        row(`${metrics} × ${arms}`, page),
        row("6 × 3", pages),
        row(`list of ${others + 1}`, lists)
      ])
    ].join("\n")
  } finally {
    await server.close()
  }
}
