/**
 * `npm test`: all checks and all test suites through nx, which skips what didn't change since it last passed. Ends with one line,
 * `N passed, N failed, N skipped`; exit code 0 only when all passed.
 *
 * `--skip-cache` runs everything anew. `--with-containers`, `--with-postgres` and `--with-chromium` fail where there is no container engine,
 * no PostgreSQL, no Chromium. Else the suites that need one (tags `needs:containers`, `needs:chromium`; for PostgreSQL the test files
 * that are named `*.postgres.test.ts`) are left out there, with a line that says so.
 */
import { spawn, spawnSync } from "node:child_process"
import { existsSync, readFileSync, rmSync } from "node:fs"
import { delimiter, join, resolve } from "node:path"
import { createInterface } from "node:readline"
import { lastLine, outcome, type Task } from "./outcome.ts"
import { isRecord, read } from "./Workspace.ts"

/** Checks of the whole repository: targets of the root project, named like its scripts. */
const checks = ["types", "boundaries", "lint"]

const root = resolve(import.meta.dirname, "../../..")
const runFile = join(root, ".nx/cache/run.json")

/** What a machine may lack: the tag of the suites that need it, what finds it, and what is said without it. */
const needs = [
  {
    tag: "needs:containers",
    option: "--with-containers",
    finder: "tools/containers/src/answers.ts",
    missing: "no container engine answers",
    loss: "Nothing was tested on real servers.",
    advice: "Start one (dockerd), or set DOCKER_HOST."
  },
  {
    tag: "needs:postgres",
    option: "--with-postgres",
    finder: "tools/postgres/src/answers.ts",
    missing: "PostgreSQL's programs aren't there",
    loss: "Nothing was tested on PostgreSQL.",
    advice: "Install them, or set POSTGRES_BIN."
  },
  {
    tag: "needs:chromium",
    option: "--with-chromium",
    finder: "tools/browser/src/answers.ts",
    missing: "there is no Chromium",
    loss: "The page wasn't tested in a browser.",
    advice: "Install it (Debian: chromium), or set CHROMIUM."
  }
]

const options = ["--skip-cache", ...needs.map(({ option }) => option)]

const args = process.argv.slice(2)
const unknown = args.filter((arg) => !options.includes(arg))
if (unknown.length > 0) {
  console.error(`Unknown option ${unknown.join(" ")}. There are: ${options.join(", ")}.`)
  process.exit(2)
}

const workspace = read(root)

const lacking = needs.filter(({ finder }) =>
  spawnSync(process.execPath, [join(root, finder)], { stdio: "ignore" }).status !== 0
)
for (const { advice, missing, option } of lacking) {
  if (args.includes(option)) {
    console.error(`${option} was given, but ${missing}. ${advice}`)
    process.exit(1)
  }
}
const hasPostgres = !lacking.some(({ tag }) => tag === "needs:postgres")
const leftOut = new Map(
  workspace.packages.flatMap(({ manifest }) => {
    const need = lacking.find(({ tag }) => manifest.tags.includes(tag))
    return need === undefined ? [] : [[manifest.name, need] as const]
  })
)

const suites = workspace.packages.map(({ directory, manifest }) => ({
  id: `${manifest.name}:test`,
  report: join(root, directory, ".cache/test.json"),
  ...(leftOut.has(manifest.name)
    ? { leftOut: `${leftOut.get(manifest.name)!.missing}. ${leftOut.get(manifest.name)!.loss}` }
    : {})
}))

const json = (file: string): unknown => (existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined)

/** Runs nx and shows which tasks are done; its exit code and all that it printed. */
const nx = (targets: ReadonlyArray<string>, options: ReadonlyArray<string>) =>
  new Promise<{ readonly code: number | null; readonly lines: ReadonlyArray<string> }>((done, fail) => {
    const child = spawn("nx", ["run-many", `--targets=${targets.join(",")}`, "--output-style=static", ...options], {
      cwd: root,
      stdio: ["ignore", "pipe", "inherit"],
      env: {
        ...process.env,
        PATH: `${join(root, "node_modules/.bin")}${delimiter}${process.env.PATH ?? ""}`,
        NX_TUI: "false",
        FORCE_COLOR: process.stdout.isTTY ? "1" : "0"
      }
    })
    const lines: Array<string> = []
    let finished = 0
    createInterface({ input: child.stdout }).on("line", (line) => {
      lines.push(line)
      if (line.startsWith("> nx run ")) {
        console.log(`${++finished}/${checks.length + suites.length - leftOut.size} ${line.slice("> nx run ".length)}`)
      }
    })
    child.on("error", fail).on("close", (code) => done({ code, lines }))
  })

// What an earlier run left behind must not count for this one; nx brings back what it has in its cache.
for (const file of [runFile, ...suites.map(({ report }) => report)]) rmSync(file, { force: true })

const started = performance.now()
const { code, lines } = await nx([...checks, "test"], [
  ...(args.includes("--skip-cache") ? ["--skip-nx-cache"] : []),
  ...(leftOut.size > 0 ? [`--exclude=${[...leftOut.keys()].join(",")}`] : [])
])

/** nx's own record of the run: each task with its exit code, and whether it came from the cache. */
const run = json(runFile)
if (!isRecord(run) || !Array.isArray(run.tasks)) {
  console.log(lines.join("\n"))
  console.error(`nx ended with code ${code} and ran nothing.`)
  console.log("0 passed, 1 failed, 0 skipped")
  process.exit(1)
}

const ran = new Map(
  run.tasks.filter(isRecord).map(({ cacheStatus, hash, status, taskId }) => [
    String(taskId),
    { ok: status === 0, cached: cacheStatus === "local-cache-hit", hash: String(hash) }
  ])
)
const task = (id: string, kind: Task["kind"], report: unknown): Task => ({ id, kind, report, ran: ran.get(id) })

const result = outcome([
  ...checks.map((name) => task(`${workspace.manifest.name}:${name}`, "check", undefined)),
  ...suites.map(({ id, report, ...rest }) => ({ ...task(id, "suite", json(report)), ...rest }))
])

for (const { id, problem } of result.results) {
  const failed = ran.get(id)
  if (failed !== undefined && !failed.ok) {
    const output = join(root, ".nx/cache/terminalOutputs", failed.hash)
    console.log(`\n✖ ${id}\n\n${existsSync(output) ? readFileSync(output, "utf8").trim() : lines.join("\n")}`)
  }
  if (problem !== undefined) console.log(`\n✖ ${id} ${problem}`)
}

console.log("")
for (const { cached, failed, id, kind, leftOut, passed, problem, skipped } of result.results) {
  if (leftOut !== undefined) {
    console.log(`⚠ ${id} DIDN'T RUN: ${leftOut}`)
    continue
  }
  const counts = kind === "check" ? "" : ` ${passed} passed, ${failed} failed, ${skipped} skipped`
  console.log(`${failed > 0 || problem !== undefined ? "✖" : "✔"} ${id}${counts}${cached ? " (cache)" : ""}`)
}
if (!hasPostgres) {
  console.log(
    "⚠ *.postgres.test.ts DIDN'T RUN: PostgreSQL's programs aren't installed. Nothing was tested on PostgreSQL."
  )
}
const cachedTasks = result.results.filter(({ cached }) => cached).length
console.log(
  `\n${cachedTasks} of ${result.results.length} from the cache, ${((performance.now() - started) / 1000).toFixed(1)} s`
)
console.log(lastLine(result))
process.exitCode = result.ok && code === 0 ? 0 : 1
