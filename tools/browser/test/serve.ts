/** The real `assay serve` on a project of its own: results in every state, and an experiment whose events can be read. */
import { type Serving, serving } from "@assay/browser"
import { names, statement, states } from "@assay/example-summaries"
import type { ResultsSummary } from "@assay/model"
import { Store } from "@assay/store"
import { Effect } from "effect"
import { createHash } from "node:crypto"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** Ann may refresh, Bob may read, Eve's token isn't known. */
export const tokens = { ann: "assay_ann", bob: "assay_bob", eve: "assay_eve" } as const

const config = `export default {
  setup: [
    { text: \`CREATE TABLE events (
        environment_key String, event String, feature_name String, identifier String, timestamp DateTime64(3, 'UTC'), value String,
        traits String, metadata String
      ) ENGINE = MergeTree PARTITION BY toDate(timestamp) ORDER BY timestamp\` },
    { text: \`INSERT INTO events
        SELECT 'production', event.1, 'button', toString(number), toDateTime64('2026-01-05', 3, 'UTC') + event.2 * 60, event.3,
          concat('{"device":"', ['phone', 'desktop'][1 + intDiv(number, 2) % 2], '"}'), '{}'
        FROM numbers(4000)
        ARRAY JOIN arrayFilter(event -> event.4, [
          ('$flag_exposure', number, if(number % 2 = 0, 'grey', 'green'), true),
          ('purchase', number + 1, '10', number % 10 IN (0, 1, 3))
        ]) AS event\` }
  ]
}
`

const experiment = (key: string, more: Readonly<Record<string, string>> = {}): string =>
  Object.entries({
    key: JSON.stringify(key),
    environment: "production",
    feature: "button",
    started_at: "2026-01-05",
    ended_at: "2026-01-19",
    control: "grey",
    variants: "[{ key: grey, share: 1 }, { key: green, share: 1 }]",
    metrics: "[{ metric: purchased, role: goal }]",
    ...more
  }).map(([name, value]) => `${name}: ${value}\n`).join("")

/** Experiments with results, by their key. That of the hostile ones is a script. */
export const results: Readonly<Record<string, ResultsSummary>> = Object.fromEntries(
  Object.entries(states).map(([name, summary]) => {
    const key = name === "hostile" ? names.script : name
    return [key, { ...summary, experiment: key, environment: "production" }]
  })
)

/** Has no results yet; its events are in the warehouse. */
export const fresh = "checkout_button"

/** The instant of the older results of `shipping`. */
export const earlier = "2026-01-12T00:00:00.000Z"

const put = (id: string, summary: ResultsSummary) =>
  Effect.flatMap(Store, (store) => {
    const { as_of, experiment } = summary
    return store.put({ id, experiment, as_of, summary, statement })
  })

/** Starts `assay serve` on it. */
export const serve = async (): Promise<Serving> => {
  const root = mkdtempSync(join(tmpdir(), "assay-served-"))
  const write = (file: string, text: string) => writeFileSync(join(root, file), text)
  for (const folder of ["experiments", "metrics"]) mkdirSync(join(root, folder))
  write("assay.config.ts", config)
  write("metrics/purchased.yaml", "key: purchased\naggregation: occurrence\nevent: purchase\ndirection: up\n")
  write(`experiments/${fresh}.yaml`, experiment(fresh, { slices: "[traits.device]", series: "true" }))
  write(
    "experiments/autumn.yaml",
    experiment("autumn", { environment: "staging", started_at: "2099-09-01", ended_at: "2099-10-01" })
  )
  Object.keys(results).forEach((key, i) => write(`experiments/e${i}.yaml`, experiment(key)))
  write(
    "tokens.json",
    JSON.stringify({
      tokens: (["ann", "bob"] as const).map((name) => ({
        name,
        sha256: createHash("sha256").update(tokens[name]).digest("hex"),
        scopes: name === "ann" ? ["read", "refresh"] : ["read"]
      }))
    })
  )
  await Effect.runPromise(
    Effect.gen(function*() {
      for (const [key, summary] of Object.entries(results)) {
        yield* put(`now-${Object.keys(results).indexOf(key)}`, summary)
      }
      yield* put("earlier", { ...results["mismatch"]!, experiment: "shipping", as_of: earlier })
    }).pipe(Effect.provide(Store.layerFiles(join(root, ".assay"))))
  )
  const server = await serving(root, ["--tokens", "tokens.json", "--throttle", "3600"])
  return {
    ...server,
    close: async () => {
      await server.close()
      rmSync(root, { recursive: true, force: true })
    }
  }
}
