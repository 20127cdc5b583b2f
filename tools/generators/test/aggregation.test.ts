/** The generator as a person runs it, in a copy of this repository. */
import { spawn } from "node:child_process"
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, delimiter, join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type Tree, writeAggregation } from "../src/index.ts"

const repository = fileURLToPath(new URL("../../..", import.meta.url))
const copy = mkdtempSync(join(tmpdir(), "assay-generators-"))
const place = join(copy, "packages/aggregations/big-spender")

const left = new Set(["node_modules", ".git", ".nx", ".cache", ".assay"])

/** A program in the copy, with the programs of the workspace on its path. */
const run = (program: string, args: ReadonlyArray<string>, cwd = copy) =>
  new Promise<{ readonly code: number | null; readonly text: string }>((resolve, reject) => {
    const { FORCE_COLOR: _, NODE_OPTIONS: __, VITEST: ___, ...environment } = process.env
    const child = spawn(program, args, {
      cwd,
      env: {
        ...environment,
        NO_COLOR: "1",
        PATH: `${join(repository, "node_modules/.bin")}${delimiter}${environment["PATH"] ?? ""}`
      },
      stdio: ["ignore", "pipe", "pipe"]
    })
    let text = ""
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (more: string) => {
        text += more
      })
    }
    child.on("error", reject).on("close", (code) => resolve({ code, text }))
  })

const generate = (name: string) => run("nx", ["g", "@assay/tools:aggregation", name, "--install=false"])

describe("nx g @assay/tools:aggregation", () => {
  beforeAll(() => {
    cpSync(repository, copy, {
      recursive: true,
      preserveTimestamps: true,
      filter: (path) => !left.has(basename(path))
    })
    symlinkSync(join(repository, "node_modules"), join(copy, "node_modules"))
  })
  afterAll(() => rmSync(copy, { recursive: true, force: true }))

  it("writes a package that keeps to the boundaries, compiles, and passes its suite", async () => {
    const generated = await generate("big-spender")
    expect(generated).toMatchObject({ code: 0 })
    expect(generated.text).toContain("CREATE packages/aggregations/big-spender/src/index.ts")
    expect(generated.text).toContain("UPDATE tsconfig.json")
    expect(generated.text).toContain("Run npm install to link the new package")
    expect(await run("node", ["tools/workspace/src/boundaries.ts"])).toMatchObject({ code: 0 })
    expect(await run("tsc", ["-b", "tsconfig.json", "tsconfig.test.json"], place)).toMatchObject({ code: 0 })
    const tested = await run("vitest", ["run"], place)
    expect(tested).toMatchObject({ code: 0 })
    expect(tested.text).toMatch(/Tests +\d+ passed/)
  }, 600_000)

  it("refuses a name that is taken, and one that can't be one, and writes nothing then", async () => {
    const before = readFileSync(join(copy, "tsconfig.json"), "utf8")
    const taken = await generate("unique")
    expect(taken).toMatchObject({ code: 1 })
    expect(taken.text).toContain("packages/aggregations/unique is there already. Nothing was written")
    const bad = await generate("Big_Spender")
    expect(bad).toMatchObject({ code: 1 })
    expect(bad.text).toContain("An aggregation can't be called \"Big_Spender\". A name is 1 to 50 lower-case letters")
    expect(readFileSync(join(copy, "tsconfig.json"), "utf8")).toBe(before)
  })
})

describe("a package of a new aggregation", () => {
  it("isn't written where the workspace's tsconfig.json can't take it", () => {
    const written: Array<string> = []
    const tree: Tree = {
      root: "",
      exists: () => false,
      read: () => "{}",
      write: (path) => void written.push(path)
    }
    expect(() => writeAggregation(tree, "big-spender")).toThrow(/list of references/)
    expect(written).toEqual([])
  })
})
