/** Three nodes: the same results as one, and no result when one of them is away. */
import { WarehouseUnavailable } from "@assay/model"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { afterAll, beforeAll, describe, expect, inject, it, vi } from "vitest"
import { type Cluster, startCluster, users } from "../src/index.ts"
import { at, failure, statement } from "./asking.ts"
import { makeProject } from "./project.ts"
import { identities, statements } from "./shop.ts"

let cluster: Cluster

/** The shop of the other tests, its events on the shard that their identity's hash names. */
const load = async ({ nodes }: Cluster): Promise<void> => {
  for (const node of nodes) {
    await node.ask(statements[0]!)
    await node.ask(statements[1]!.replace("shop.events", "shop.events_local"))
    await node.ask(
      "CREATE TABLE shop.events AS shop.events_local " +
        "ENGINE = Distributed(assay, shop, events_local, cityHash64(identifier))"
    )
  }
  for (const fill of statements.slice(2, 4)) await nodes[0].ask(fill)
  await nodes[0].ask("SYSTEM FLUSH DISTRIBUTED shop.events")
}

beforeAll(async () => {
  cluster = await startCluster()
  await load(cluster)
})
afterAll(() => cluster.remove())

const total = identities * 2 + identities / 3

/** Where two results differ: whole numbers by anything, others by more than 1e-12 of the larger one. */
const differences = (a: unknown, b: unknown, path = ""): ReadonlyArray<string> => {
  if (typeof a === "object" && a !== null && typeof b === "object" && b !== null) {
    const [left, right] = [new Map(Object.entries(a)), new Map(Object.entries(b))]
    return [...new Set([...left.keys(), ...right.keys()])]
      .flatMap((key) => differences(left.get(key), right.get(key), `${path}.${key}`))
  }
  const near = typeof a === "number" && typeof b === "number" && !(Number.isInteger(a) && Number.isInteger(b)) &&
    Math.abs(a - b) <= 1e-12 * Math.max(Math.abs(a), Math.abs(b))
  return near || a === b ? [] : [`${path}: ${String(a)} and ${String(b)}`]
}

describe("three nodes", () => {
  it("hold a part of the events each", async () => {
    const parts = await Promise.all(cluster.nodes.map((node) => node.ask("SELECT count() FROM shop.events_local")))
    expect(Math.min(...parts.map(Number))).toBeGreaterThan(total / 6)
    expect(parts.map(Number).reduce((all, part) => all + part, 0)).toBe(total)
  })

  it("answer for the whole, each of them, as a table and by cluster()", () =>
    Effect.gen(function*() {
      for (const { url } of cluster.nodes) {
        for (const table of ["events", "cluster('assay', 'shop', 'events_local')"]) {
          const text = `SELECT toFloat64(count()) AS n, toFloat64(uniqExact(identifier)) AS identities FROM ${table}`
          const { rows } = yield* at(url, ({ query }) => query(statement(text)))
          assert.deepStrictEqual(rows, [{ n: total, identities }])
        }
      }
    }).pipe(Effect.runPromise))

  it("are advised of what their own tables lack, by a Distributed table or as a cluster", async () => {
    const [first] = cluster.nodes
    await first.ask(
      "CREATE TABLE shop.unordered_local AS shop.events_local ENGINE = MergeTree ORDER BY identifier SETTINGS index_granularity = 64"
    )
    await first.ask(
      "CREATE TABLE shop.unordered AS shop.unordered_local ENGINE = Distributed(assay, shop, unordered_local, cityHash64(identifier))"
    )
    await first.ask("INSERT INTO shop.unordered_local SELECT * FROM shop.events_local")
    await first.ask(
      "INSERT INTO shop.unordered_local SELECT * REPLACE ('view' AS event) FROM shop.events_local ARRAY JOIN range(40) AS i"
    )
    const named = { table: "unordered" }
    const local = { database: "shop", table: "unordered_local", cluster: { name: "assay", identity: "identifier" } }
    const project = makeProject({ url: first.url, user: users.admin })
    try {
      for (const events of [named, local]) {
        project.configure({ url: first.url, user: users.admin, events })
        const { stdout } = await project.run(["advise", "alpha", "--scratch", "shop"])
        expect(stdout).toMatch(/^`shop`\.`unordered_local` {2}MergeTree, ordered by identifier/m)
        expect(stdout.includes("Named as unordered, which is Distributed over it on assay.")).toBe(events === named)
        expect(stdout).toMatch(/^ {5}Measured: the statements, on a copy of [\d,]+ of [\d,]+ rows$/m)
        expect(stdout).toMatch(
          /^ALTER TABLE `shop`\.`unordered_local` ON CLUSTER `assay` ADD PROJECTION `assay_by_event` \($/m
        )
      }
    } finally {
      project.remove()
      await first.ask("DROP TABLE shop.unordered")
      await first.ask("DROP TABLE shop.unordered_local")
    }
  })

  it("give the results of one node, through a Distributed table", async () => {
    const project = makeProject({ url: cluster.nodes[0].url })
    const single = makeProject({ url: inject("url") })
    try {
      const args = ["recompute", "--all", "--json", "--as-of", "2026-04-01T00:00:00Z"]
      const both = await Promise.all([project.run(args), single.run(args)])
      expect(both.map(({ code }) => code)).toEqual([0, 0])
      const [many, one] = both.map(({ stdout }) =>
        (JSON.parse(stdout) as { readonly results: ReadonlyArray<Readonly<Record<string, unknown>>> }).results
          .map(({ experiment, metrics, srm_p_value, variants }) => ({ experiment, metrics, srm_p_value, variants }))
      )
      expect(one).toHaveLength(2)
      expect(differences(many, one)).toEqual([])
    } finally {
      project.remove()
      single.remove()
    }
  })

  /** Quantiles, for which shards send what they are made of, a cap at one, and what isn't a sum over single events. */
  const metrics = {
    amounts: "key: amounts\naggregation: unique\nevent: purchase\ndirection: up\n",
    capped: "key: capped\naggregation: sum\nevent: purchase\ndirection: up\ncap: { quantile: 0.7 }\n",
    order_p75: "key: order_p75\naggregation: quantile\nevent: purchase\ndirection: up\noptions: { level: 0.75 }\n",
    spend_p90:
      "key: spend_p90\naggregation: quantile\nevent: purchase\ndirection: up\noptions: { level: 0.9, of: totals }\n"
  }

  const byIdentity = {
    database: "shop",
    table: "events_local",
    cluster: { name: "assay", identity: "identifier" }
  }
  const anyhow = { database: "shop", table: "events_local", cluster: { name: "assay" } }

  it("give the results of one node, each shard doing its own part, or the rows of all shards joined on one", async () => {
    const single = makeProject({ url: inject("url"), metrics, series: true })
    const projects = [byIdentity, anyhow].map((events) =>
      makeProject({ url: cluster.nodes[1].url, events, metrics, series: true })
    )
    try {
      const args = ["recompute", "--all", "--json", "--as-of", "2026-04-01T00:00:00Z"]
      const ended = await Promise.all([single, ...projects].map((project) => project.run(args)))
      expect(ended.map(({ code, stderr }) => code === 0 ? "" : stderr)).toEqual(["", "", ""])
      const [one, ...others] = ended.map(({ stdout }) =>
        (JSON.parse(stdout) as { readonly results: ReadonlyArray<Readonly<Record<string, unknown>>> }).results
          .map(({ experiment, findings, metrics, series, srm_p_value, variants }) => ({
            experiment,
            findings,
            metrics,
            series,
            srm_p_value,
            variants
          }))
      )
      expect(one).toHaveLength(2)
      expect(one!.every(({ series }) => series !== undefined)).toBe(true)
      for (const other of others) expect(differences(other, one)).toEqual([])
      const explained = await Promise.all(projects.map((project) => project.run(["explain", "alpha"])))
      expect(explained.map(({ stdout }) => /^Cluster .*$/m.exec(stdout)?.[0])).toEqual([
        "Cluster     assay, sharded by identifier: each shard works on its own part, and only sums and the " +
        "values that quantiles are of travel",
        "Cluster     assay, not sharded by identifier: every exposure and metric event of the window travels " +
        "(about 20 bytes each) to the node that answers"
      ])
    } finally {
      for (const project of [single, ...projects]) project.remove()
    }
  })

  it("send sums alone to each other where they are sharded by the identity: as many bytes for 400 times the events", async () => {
    const received = async () =>
      Number(await cluster.nodes[0].ask("SELECT sum(value) FROM system.events WHERE event = 'NetworkReceiveBytes'"))
    const traffic = async (events: Readonly<Record<string, unknown>>) => {
      const project = makeProject({ url: cluster.nodes[0].url, events })
      try {
        const before = await received()
        expect((await project.run(["recompute", "alpha"])).code).toBe(0)
        return await received() - before
      } finally {
        project.remove()
      }
    }
    await Promise.all(cluster.nodes.map(async (node) => {
      await node.ask("CREATE TABLE shop.many_local AS shop.events_local")
      await node.ask("INSERT INTO shop.many_local SELECT * FROM shop.events_local")
      await node.ask(
        "INSERT INTO shop.many_local SELECT * REPLACE (timestamp + toIntervalSecond(n) AS timestamp) " +
          "FROM shop.events_local ARRAY JOIN range(1, 400) AS n WHERE event = 'purchase'"
      )
    }))
    const few = await traffic(byIdentity)
    const many = await traffic({ ...byIdentity, table: "many_local" })
    const fewAnyhow = await traffic(anyhow)
    const manyAnyhow = await traffic({ ...anyhow, table: "many_local" })
    // News of how far a query is, and questions about it, are among the bytes: more of them on a machine that is slow.
    const travelled = manyAnyhow - fewAnyhow
    expect(travelled).toBeGreaterThan(400_000)
    expect(Math.abs(many - few)).toBeLessThan(travelled / 20)
  })

  it("don't keep a run waiting longer than its limit when one of them hangs", async () => {
    const project = makeProject({
      url: cluster.nodes[0].url,
      events: byIdentity,
      warehouse: { limits: { seconds: 3 } }
    })
    try {
      await cluster.nodes[2].pause()
      const ended = await project.run(["recompute", "alpha", "--json"])
      expect(ended.code).toBe(1)
      expect(JSON.parse(ended.stdout)).toMatchObject({
        failed: [{ code: "warehouse_unavailable", message: expect.stringMatching(/209 SOCKET_TIMEOUT: .*node3/) }]
      })
      expect(project.stored()).toEqual({})
      // The node that was asked gave up by itself: nothing runs on there.
      const running = "SELECT count() FROM system.processes WHERE query_id LIKE 'assay-%'"
      expect(await cluster.nodes[0].ask(running)).toBe("0")
    } finally {
      await cluster.nodes[2].restart()
      // The first node still holds connections from before; it finds out one by one.
      await vi.waitFor(
        async () => expect(await cluster.nodes[0].ask("SELECT count() FROM cluster(assay, system.one)")).toBe("3"),
        { timeout: 60_000, interval: 250 }
      )
      project.remove()
    }
  })

  it("give no result while one of them is away, and results again when it is back", async () => {
    const project = makeProject({ url: cluster.nodes[0].url, warehouse: { retries: 1 } })
    try {
      const first = await project.run(["recompute", "alpha"])
      expect(first.code === 0 ? "" : first.stderr).toBe("")
      const good = project.stored()
      await cluster.nodes[2].kill()
      const error = await Effect.runPromise(
        failure(at(cluster.nodes[0].url, ({ query }) => query(statement("SELECT count() AS n FROM events"))))
      )
      expect(error).toBeInstanceOf(WarehouseUnavailable)
      expect(error.message).toContain("node3")
      const ended = await project.run(["recompute", "alpha"])
      expect(ended.code).toBe(1)
      expect(ended.stderr).toContain("node3")
      expect(project.stored()).toEqual(good)
      await cluster.nodes[2].start()
      expect((await project.run(["recompute", "alpha"])).code).toBe(0)
    } finally {
      project.remove()
    }
  })
})
