/** States, previews and replays as commands: a project whose data stay in a folder between them. */
import type { ResultsSummary } from "@assay/model"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { beforeAll, describe, expect, it } from "vitest"
import { assay, folder, snapshots } from "./assay.ts"

const root = folder()
const here = { cwd: root }

/** The starter project with data in a folder, which are made where they aren't there yet, and with states. */
const keeping = (config: string): string =>
  config
    .replace(
      "defineConfig({",
      `defineConfig({
  warehouse: { embedded: { path: "data" } }, results: true, incremental: true, events: { columns: { ingested: "collected_at" } },`
    )
    .replace(
      "CREATE TABLE events (",
      "CREATE TABLE IF NOT EXISTS events (\n collected_at DateTime64(3, 'UTC') DEFAULT timestamp,"
    )
    .replaceAll(
      "INSERT INTO events",
      "INSERT INTO events (environment_key, event, feature_name, identifier, timestamp, value, traits, metadata)"
    )
    .replace("FROM numbers(20000)", "FROM numbers(20000) WHERE (SELECT count() FROM events) = 0")
    .replace(
      "WHERE event = '$flag_exposure' AND",
      "WHERE (SELECT count() FROM events WHERE event = 'purchase') = 0 AND event = '$flag_exposure' AND"
    )

/** How many identities and what sums a result has, and how it came about. */
const numbersOf = (stdout: string) => {
  const { results: [{ metrics, provenance }] } = JSON.parse(stdout) as { readonly results: readonly [ResultsSummary] }
  return {
    metrics: metrics.flatMap(({ variants }) => Object.values(variants).map(({ n, sum }) => [n, Math.round(sum)])),
    refresh: provenance.refresh
  }
}

describe("states", () => {
  beforeAll(async () => {
    await assay(["init"], here)
    const file = join(root, "assay.config.ts")
    writeFileSync(file, keeping(readFileSync(file, "utf8")))
    await assay(["init", "--warehouse", "--yes"], here)
  })

  it("are made, read on, shown, and dropped, and results stay what they were", async () => {
    const recompute = async () => numbersOf((await assay(["recompute", "checkout_button", "--json"], here)).stdout)
    expect((await assay(["state"], here)).stderr).toMatch(/none yet/)
    const first = await recompute()
    expect(first.refresh).toMatchObject({ mode: "rebuilt" })
    const second = await recompute()
    expect(second).toMatchObject({ metrics: first.metrics, refresh: { mode: "incremental", rows_added: 0 } })
    expect((await assay(["explain", "checkout_button"], here)).stdout).toMatch(
      /^Refresh {5}from its state and what is new by collected_at, 5m ago and before$/m
    )
    expect((await assay(["state"], here)).stdout).toMatch(/^checkout_button: rows stored before .* in 1 batch, .* kB$/m)
    expect(await assay(["state", "drop", "checkout"], here)).toMatchObject({ code: 2 })
    expect(await assay(["state", "drop", "checkout_button"], here)).toMatchObject({ code: 0 })
    expect((await recompute()).refresh).toMatchObject({ mode: "rebuilt" })
  })

  it("aren't asked for a preview, which is labelled and not kept; a snapshot can be replayed", async () => {
    const before = snapshots(root)
    const { code, stderr, stdout } = await assay(["recompute", "checkout_button", "--sample", "0.2"], here)
    expect([code, stdout.split("\n")[1]]).toEqual([
      0,
      "PREVIEW over 20.0 % of the identities: not a result, and not kept."
    ])
    expect(stderr).toMatch(/nothing was kept/)
    expect(snapshots(root)).toEqual(before)
    expect((await assay(["recompute", "checkout_button", "--sample", "1"], here)).code).not.toBe(0)
    const listed = (await assay(["results", "checkout_button", "--list"], here)).stdout
    const [, id, file] = listed.trim().split(/\s+/)
    const replayed = await assay(["replay", id!], here)
    expect(replayed).toMatchObject({ code: 0, stderr: "" })
    expect(replayed.stdout).toMatch(/^Agrees {6}all 23 numbers/m)
    expect(replayed.stdout).toMatch(/^Late rows {3}0 exposures and 0 events were stored since /m)
    expect((await assay(["replay", file!], here)).stdout).toBe(replayed.stdout)
    expect(await assay(["replay", "nothing"], here)).toMatchObject({ code: 2, stdout: "" })
  })
})
