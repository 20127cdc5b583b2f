/**
 * The tutorial of docs/aggregations.md, done as written: with our packages as they are published, in a folder outside of the repository, by
 * npm from a registry on this machine.
 */
import { execFileSync, spawn } from "node:child_process"
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { delimiter, dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { edited, packedIn, type Registry, startRegistry, steps, unseen } from "../src/index.ts"

const repository = fileURLToPath(new URL("../../..", import.meta.url))
const page = readFileSync(join(repository, "docs/aggregations.md"), "utf8")
const heading = "From nothing to a published aggregation"
const scratch = mkdtempSync(join(tmpdir(), "assay-tutorial-"))
const home = join(scratch, "home")

/** What npm is set to outside of the repository. */
const npmSetting = (key: string): string =>
  execFileSync("npm", ["config", "get", key], { cwd: scratch, encoding: "utf8" }).trim()

/** An environment as a reader has it: Node 24, and an npm that knows our registry and may publish there. */
const environment = (url: string): NodeJS.ProcessEnv => {
  const kept = Object.entries(process.env).filter(([name]) =>
    !/^(npm_|FORCE_COLOR$|NODE_OPTIONS$|VITEST|ASSAY_)/i.test(name)
  )
  // npm's cache is shared for tarballs, by their hashes; what npx installs goes away with the scratch folder.
  const cache = join(scratch, "cache")
  mkdirSync(join(npmSetting("cache"), "_cacache"), { recursive: true })
  mkdirSync(cache)
  symlinkSync(join(npmSetting("cache"), "_cacache"), join(cache, "_cacache"))
  const settings = [
    `registry=${url}`,
    `//${new URL(url).host}/:_authToken=reader`,
    `cache=${cache}`,
    "audit=false",
    "fund=false",
    "update-notifier=false",
    "yes=true"
  ]
  writeFileSync(join(scratch, "npmrc"), settings.join("\n"))
  return {
    ...Object.fromEntries(kept),
    NO_COLOR: "1",
    npm_config_userconfig: join(scratch, "npmrc"),
    PATH: `${dirname(process.execPath)}${delimiter}${process.env["PATH"] ?? ""}`
  }
}

interface Ran {
  readonly code: number | null
  readonly printed: string
  /** Where the commands left off. */
  readonly folder: string
}

const type = (commands: string, cwd: string, env: NodeJS.ProcessEnv): Promise<Ran> =>
  new Promise((resolve, reject) => {
    const left = join(scratch, "folder")
    const child = spawn("sh", ["-e", "-c", `${commands}pwd > '${left}'`], {
      cwd,
      env,
      stdio: ["ignore", "pipe", "pipe"]
    })
    let printed = ""
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        printed += text
      })
    }
    child.on("error", reject)
    child.on("close", (code) => resolve({ code, printed, folder: readFileSync(left, "utf8").trim() }))
  })

describe("the tutorial", () => {
  let registry: Registry
  let env: NodeJS.ProcessEnv
  beforeAll(async () => {
    mkdirSync(home)
    const tarballs = join(scratch, "tarballs")
    execFileSync(process.execPath, [join(repository, "tools/workspace/src/pack.ts"), tarballs], { stdio: "pipe" })
    registry = await startRegistry({
      packed: packedIn(
        tarballs,
        (file) => execFileSync("tar", ["-xzOf", file, "package/package.json"], { encoding: "utf8" })
      ),
      lockfile: readFileSync(join(repository, "package-lock.json"), "utf8"),
      upstream: npmSetting("registry")
    })
    env = environment(registry.url)
  }, 600_000)
  afterAll(async () => {
    await registry.close()
    rmSync(scratch, { recursive: true, force: true })
  }, 600_000)

  it("leads from nothing to a published aggregation and its results", async () => {
    let folder = home
    let printed = ""
    for (const step of steps(page, heading)) {
      if (step.kind === "run") {
        const ran = await type(step.commands, folder, env)
        if (ran.code !== 0) expect.fail(`This failed with code ${ran.code}:\n${step.commands}\n${ran.printed}`)
        ;({ folder, printed } = ran)
      } else if (step.kind === "see") {
        expect(unseen(step.lines, printed), `lines that weren't printed:\n${printed}`).toEqual([])
      } else if (step.kind === "edit") {
        const file = join(folder, step.file)
        writeFileSync(file, edited(readFileSync(file, "utf8"), step))
      } else writeFileSync(join(folder, step.file), step.text)
    }
    expect(registry.published()).toEqual(["assay-aggregation-big-spender@1.0.0"])
    const installed = join(home, "experiments/node_modules/assay-aggregation-big-spender")
    expect(
      ["package.json", "README.md", "dist/index.js", "dist/index.d.ts", "src/index.ts"].filter((file) =>
        !existsSync(join(installed, file))
      )
    ).toEqual([])
    expect(existsSync(join(installed, "test"))).toBe(false)
    expect(existsSync(join(home, "experiments/node_modules/vitest"))).toBe(false)
  }, 900_000)

  it("is read and typed in a quarter of an hour", () => {
    const all = steps(page, heading)
    const typed =
      all.map((step) =>
        step.kind === "run" ? step.commands : step.kind === "write" ? step.text : step.kind === "edit" ? step.after : ""
      ).join("").length
    const start = page.indexOf(`## ${heading}`)
    const prose = page.slice(start, page.indexOf("\n## ", start)).replaceAll(/^```[^]*?^```$/gm, "")
    const words = prose.split(/\s+/).length
    // 200 words a minute are read, and 200 characters a minute typed.
    expect(words / 200 + typed / 200).toBeLessThan(15)
  })
})

describe("the page", () => {
  it("shows every aggregation that comes with Assay", () => {
    const folders = readdirSync(join(repository, "packages/aggregations"))
    expect(folders.filter((name) => !page.includes(`[\`${name}\`](../packages/aggregations/${name}/src/index.ts)`)))
      .toEqual([])
  })
})
