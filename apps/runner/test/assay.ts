/** The built command, as a user types it, in project folders of its own. */
import { spawn } from "node:child_process"
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { constants, tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll } from "vitest"

/** The root of the repository. */
export const repository = fileURLToPath(new URL("../../..", import.meta.url))

const main = join(repository, "apps/runner/dist/main.js")

if (!existsSync(main)) throw new Error("The command isn't built: run `npm run types` first")

/** What a command wrote, and how it ended: its exit code, or that of a signal as shells tell it. */
export interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Where a command runs, in what environment, and what is done while it does. */
export interface Options {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** Gets the process as soon as it runs, and what it has written to stderr so far at each piece of it. */
  readonly watch?: (process: { readonly kill: (signal: NodeJS.Signals) => void; readonly stderr: string }) => void
}

/** A program, with nothing of this process's environment that could change what it prints. */
export const execute = (program: string, args: ReadonlyArray<string>, options: Options = {}): Promise<Outcome> =>
  new Promise((resolve, reject) => {
    const { ASSAY_DATA: _, FORCE_COLOR: __, NO_COLOR: ___, NODE_OPTIONS: ____, VITEST: _____, ...environment } =
      process.env
    const child = spawn(program, args, {
      cwd: options.cwd ?? repository,
      env: { ...environment, NODE_COMPILE_CACHE: join(repository, "apps/runner/.cache/compile"), ...options.env },
      stdio: ["ignore", "pipe", "pipe"]
    })
    let stdout = ""
    let stderr = ""
    const kill = (signal: NodeJS.Signals) => void child.kill(signal)
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text
    })
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text
      options.watch?.({ kill, stderr })
    })
    child.on("error", reject)
    child.on(
      "close",
      (code, signal) => resolve({ code: signal === null ? code : 128 + constants.signals[signal], stdout, stderr })
    )
  })

/** `assay` with these arguments. */
export const assay = (args: ReadonlyArray<string>, options: Options = {}): Promise<Outcome> =>
  execute(process.execPath, [main, ...args], options)

/** `assay` that goes on while a test looks at it. */
export interface Background {
  /** Waits until stderr holds a text; fails where the command ends before. */
  readonly says: (text: string) => Promise<string>
  readonly kill: (signal: NodeJS.Signals) => void
  readonly ended: Promise<Outcome>
}

/** Starts `assay` with these arguments. What it says first shows that it runs: until then it can't be killed. */
export const background = (args: ReadonlyArray<string>, options: Options = {}): Background => {
  let said = ""
  let kill: Background["kill"] = () => {
    throw new Error("it said nothing yet")
  }
  const waiting = new Set<() => void>()
  const ended = assay(args, {
    ...options,
    watch: (process) => {
      ;({ kill, stderr: said } = process)
      for (const look of waiting) look()
    }
  })
  return {
    ended,
    kill: (signal) => kill(signal),
    says: (text) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (!said.includes(text)) return
          waiting.delete(look)
          resolve(said)
        }
        waiting.add(look)
        look()
        void ended.then(
          ({ code, stderr }) => reject(new Error(`ended with ${code} before ${text}:\n${stderr}`)),
          reject
        )
      })
  }
}

/** A line for `sh -c` that runs `assay` with these words. */
export const assayLine = (words: string): string => `'${process.execPath}' '${main}' ${words}`

const made: Array<string> = []
afterAll(() => {
  for (const folder of made) rmSync(folder, { recursive: true, force: true })
})

/** An empty folder, gone after the tests of this file; outside the repository, so that nothing is found by going up. */
export const folder = (): string => {
  const path = mkdtempSync(join(tmpdir(), "assay-test-"))
  made.push(path)
  return path
}

/** Writes files into a folder, by their paths in it. */
export const write = (root: string, files: Readonly<Record<string, string>>): string => {
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, file)), { recursive: true })
    writeFileSync(join(root, file), text)
  }
  return root
}

/** Every file below a folder with its text, but for results. */
export const filesIn = (root: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => {
      const path = join(entry.parentPath, entry.name)
      return [path.slice(root.length + 1), readFileSync(path, "utf8")] as const
    }).toSorted(([a], [b]) => (a < b ? -1 : 1))
  )

/** The names of the snapshots in a project. */
export const snapshots = (root: string): ReadonlyArray<string> =>
  Object.keys(filesIn(root)).filter((file) => file.startsWith(".assay/"))

/** A copy of an example, so that results don't get into the repository. */
export const example = (name: string): string => {
  const root = folder()
  cpSync(join(repository, "examples", name), root, { recursive: true })
  rmSync(join(root, ".assay"), { recursive: true, force: true })
  return root
}

const table = `CREATE TABLE events (
  environment_key LowCardinality(String), event LowCardinality(String), feature_name LowCardinality(String),
  identifier String, timestamp DateTime64(3, 'UTC'), value String, traits String, metadata String
) ENGINE = MergeTree PARTITION BY toDate(timestamp) ORDER BY (environment_key, event, timestamp)`

const rows = `INSERT INTO events
  SELECT 'production', event.1, 'checkout', 'user ' || toString(number), toDateTime64('2026-01-05', 3, 'UTC') + event.2,
    event.3, '', '{}'
  FROM numbers(400)
  ARRAY JOIN arrayFilter(event -> event.4, [
    ('$flag_exposure', 0, if(number % 2 = 0, 'grey', 'green'), true),
    ('purchase', 60, '10', number % 10 IN (0, 1, 3))
  ]) AS event`

/** A configuration: 200 identities in each arm, of which 40 and 80 buy for 10. */
export const config = (more = ""): string =>
  `import { defineConfig } from "@assay/runner"
export default defineConfig({ setup: [{ text: \`${table}\` }, { text: \`${rows}\` }], ${more} })
`

/** An experiment's file. */
export const experimentFile = (key: string, more: Readonly<Record<string, string>> = {}): string =>
  Object.entries({
    key,
    environment: "production",
    feature: "checkout",
    started_at: "2026-01-05",
    ended_at: "2026-01-19",
    control: "grey",
    variants: "[{ key: grey, share: 1 }, { key: green, share: 1 }]",
    metrics: "[{ metric: purchased, role: goal }]",
    ...more
  }).map(([name, value]) => `${name}: ${value}\n`).join("")

/** A metric's file. */
export const metricFile = (key: string, more: Readonly<Record<string, string>> = {}): string =>
  Object.entries({ key, aggregation: "occurrence", event: "purchase", direction: "up", ...more })
    .map(([name, value]) => `${name}: ${value}\n`).join("")

/** A project with the experiment `checkout` and the metric `purchased`, and what else is given. */
export const project = (files: Readonly<Record<string, string>> = {}): string =>
  write(folder(), {
    "assay.config.ts": config(),
    "experiments/checkout.yaml": experimentFile("checkout"),
    "metrics/purchased.yaml": metricFile("purchased"),
    ...files
  })

/**
 * A project whose query never ends, without being busy: whoever recomputes it is at it until it is stopped. It prints `loaded` to
 * stderr.
 */
export const endless = (): string => {
  const view = `CREATE VIEW endless AS SELECT 'production' AS environment_key, '$flag_exposure' AS event,
    'checkout' AS feature_name, toString(sipHash64(number) % 10) AS identifier,
    toDateTime64('2026-01-06', 3, 'UTC') AS timestamp, 'grey' AS value, '' AS traits, '' AS metadata
    FROM numbers(100000000000) WHERE sleepEachRow(0.1) = 0 SETTINGS max_block_size = 10, max_threads = 1`
  return project({
    "assay.config.ts": `console.error("loaded")
export default { setup: [{ text: \`${view}\` }], events: { table: "endless" } }
`
  })
}
