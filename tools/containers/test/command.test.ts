/** The `assay` command on a server that fails: its exit code, what it says, and what stays in the store. */
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest"
import { faultyProxy, users } from "../src/index.ts"
import { type Ended, makeProject, type Project, type ProjectOptions, secrets, type StartOptions } from "./project.ts"
import { crowd, identities } from "./shop.ts"

const [url, port] = [inject("url"), inject("port")]
const asOf = ["--as-of", "2026-04-01T00:00:00Z"]

const noSecret = (project: Project, { stderr, stdout }: Ended) => {
  const all = [stdout, stderr, ...Object.values(project.stored())].join("\n")
  expect(secrets.filter((secret) => all.includes(secret))).toEqual([])
}

/** What a machine reads of a run. */
const read = ({ stdout }: Ended) =>
  JSON.parse(stdout) as {
    readonly results: ReadonlyArray<{
      readonly experiment: string
      readonly as_of: string
      readonly window: { readonly to: string }
      readonly variants: ReadonlyArray<{ readonly key: string; readonly n: number }>
      readonly provenance: { readonly memory?: { readonly by: string } }
    }>
    readonly failed: ReadonlyArray<{ readonly experiment: string; readonly code: string; readonly message: string }>
  }

describe("assay recompute", () => {
  let project: Project
  let good: Readonly<Record<string, string>>

  const run = async (options: Partial<ProjectOptions>, args: ReadonlyArray<string> = [], start: StartOptions = {}) => {
    project.configure({ url, ...options })
    const ended = await project.run(["recompute", "--all", "--json", ...asOf, ...args], start)
    noSecret(project, ended)
    return ended
  }

  let first: Ended
  beforeAll(async () => {
    project = makeProject({ url })
    first = await run({})
    good = project.stored()
  })
  afterAll(() => project.remove())

  it("works as a user who may only read", () => {
    expect(first.code).toBe(0)
    expect(read(first).results.map(({ variants }) => variants.map(({ n }) => n))).toEqual([
      [identities / 2, identities / 2],
      [identities / 2, identities / 2]
    ])
    expect(Object.keys(good).length).toBeGreaterThan(1)
  })

  it.each<readonly [string, Partial<ProjectOptions>, RegExp]>([
    ["a wrong password", { user: { name: "reader", password: "not-Th1s-one" } }, /516 AUTHENTICATION_FAILED/],
    [
      "a server that is down",
      { url: "http://127.0.0.1:9", warehouse: { retries: 1 } },
      /can't be reached.*ECONNREFUSED/
    ],
    ["a missing database", { warehouse: { database: "nowhere" } }, /81 UNKNOWN_DATABASE/],
    ["settings that a profile forbids", { user: users.frozen }, /164 READONLY/]
  ])("%s ends it with code 1, and what was kept stays", async (_, options, message) => {
    const { code, stderr, stdout } = await run(options)
    expect(code).toBe(1)
    expect(stdout + stderr).toMatch(message)
    expect(project.stored()).toEqual(good)
  })

  it.each<readonly [string, Partial<ProjectOptions>, string, RegExp]>([
    ["a missing table", { events: { table: "nowhere" } }, "query_rejected", /60 UNKNOWN_TABLE/],
    ["a missing column", { events: { columns: { value: "worth" } } }, "query_rejected", /47 UNKNOWN_IDENTIFIER/],
    ["a missing right", { user: users.stranger }, "query_rejected", /497 ACCESS_DENIED/],
    [
      "a time limit",
      { events: { table: "endless" }, warehouse: { limits: { seconds: 1 } } },
      "query_limit",
      /159 TIMEOUT_EXCEEDED/
    ],
    [
      "a limit of rows",
      { warehouse: { limits: { rows: 500 } } },
      "query_limit",
      /would read about [\d,]+ rows of shop\.events, and may read 500/
    ],
    [
      "a limit of memory that no part of the identities fits into",
      { warehouse: { limits: { memory_bytes: 1_000_000 } } },
      "query_limit",
      /241 MEMORY_LIMIT_EXCEEDED.*in up to 64 parts of the identities/
    ]
  ])("%s fails each experiment with code 1, and what was kept stays", async (_, options, code, message) => {
    const ended = await run(options)
    expect(ended.code).toBe(1)
    const { failed, results } = read(ended)
    expect(results).toEqual([])
    expect(failed.map(({ experiment }) => experiment).toSorted()).toEqual(["alpha", "beta"])
    for (const failure of failed) {
      expect(failure.code).toBe(code)
      expect(failure.message).toMatch(message)
    }
    expect(project.stored()).toEqual(good)
  })

  it("an experiment that takes more memory than a query may, and than the disk has, is read in parts of its identities", async () => {
    const own = makeProject({
      url,
      events: { table: "crowd" },
      warehouse: { limits: { memory_bytes: 60_000_000 } }
    })
    try {
      const ended = await own.run(["recompute", "--all", "--json", "--concurrency", "1", ...asOf])
      noSecret(own, ended)
      const { failed, results } = read(ended)
      expect(failed).toEqual([])
      expect(results.map(({ provenance }) => provenance.memory?.by)).toEqual(["chunks", undefined])
      expect(results.map(({ variants }) => variants.map(({ n }) => n))).toEqual([
        [identities / 2 + crowd, identities / 2],
        [identities / 2, identities / 2]
      ])
      expect(ended.code).toBe(0)
    } finally {
      own.remove()
    }
  })

  it("a store that can't grow any more fails with code 1, and what was kept stays", async () => {
    // Bash's limit makes each write to a file fail; the signal that goes with it is ignored, as a full disk sends none.
    const ended = await run({}, [], { shell: "trap '' XFSZ; ulimit -f 0" })
    expect(ended.code).toBe(1)
    expect(read(ended).failed.map(({ code }) => code)).toEqual(["store", "store"])
    expect(project.stored()).toEqual(good)
  })

  it("a store at a place where none can be fails with code 1", async () => {
    project.configure({ url, store: "assay.config.ts/results" })
    const ended = await project.run(["recompute", "--all", "--json", ...asOf])
    noSecret(project, ended)
    expect(ended.code).toBe(1)
    expect(ended.stdout + ended.stderr).toMatch(/assay\.config\.ts/)
    expect(project.stored()).toEqual(good)
  })

  it("a network that cuts each answer fails with code 1, and what was kept stays", async () => {
    const proxy = await faultyProxy(port, { kind: "cut", afterBytes: 300 })
    try {
      const ended = await run({ url: proxy.url, warehouse: { retries: 1 } })
      expect(ended.code).toBe(1)
      expect(ended.stdout + ended.stderr).toMatch(/can't be reached|broke off/)
      expect(project.stored()).toEqual(good)
    } finally {
      await proxy.close()
    }
  })

  it.each([["a day ahead", 86_400_000], ["a month behind", -31 * 86_400_000]])(
    "ends an open window by the runner's clock, also when it is %s",
    async (_, skew) => {
      const own = makeProject({ url, endedAt: "2099-01-01T00:00:00Z" })
      try {
        const before = Date.now() + skew
        const clock = `data:text/javascript,const now = Date.now; Date.now = () => now() + ${skew}`
        const ended = await own.run(["recompute", "alpha", "--json"], { env: { NODE_OPTIONS: `--import "${clock}"` } })
        const after = Date.now() + skew
        expect(ended.code).toBe(0)
        const { as_of, window } = read(ended).results[0]!
        expect(window.to).toBe(as_of)
        expect(Date.parse(as_of)).toBeGreaterThanOrEqual(before)
        expect(Date.parse(as_of)).toBeLessThanOrEqual(after)
      } finally {
        own.remove()
      }
    }
  )

  it("counts no event after the end, whatever the server's clock says", async () => {
    project.configure({ url, endedAt: "2099-01-01T00:00:00Z" })
    const ended = await project.run(["recompute", "alpha", "--json", "--as-of", "2026-03-01T12:00:00Z"])
    expect(ended.code).toBe(0)
    expect(read(ended).results[0]?.variants.map(({ n }) => n)).toEqual([0, 0])
  })
})

describe("assay doctor", () => {
  it.each<readonly [string, Partial<ProjectOptions>, RegExp]>([
    ["a wrong password", { user: { name: "reader", password: "not-Th1s-one" } }, /BROKEN Credentials: .*516/],
    ["a missing right", { user: users.stranger }, /BROKEN Events: .*497/],
    ["a missing table", { events: { table: "nowhere" } }, /BROKEN Events: there is no table nowhere/]
  ])("finds %s", async (_, options, message) => {
    const project = makeProject({ url, ...options })
    try {
      const ended = await project.run(["doctor"])
      noSecret(project, ended)
      expect(ended.code).toBe(1)
      expect(ended.stdout).toMatch(message)
    } finally {
      project.remove()
    }
  })
})
