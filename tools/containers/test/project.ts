/** A project on disk that reads a server, and the `assay` command in it. */
import { spawn } from "node:child_process"
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { users } from "../src/index.ts"
import { window } from "./shop.ts"

const command = resolve(import.meta.dirname, "../../../apps/runner/bin/assay.js")

/** What a project says about its warehouse and events. */
export interface ProjectOptions {
  readonly url: string
  readonly user?: { readonly name: string; readonly password: string }
  readonly warehouse?: Readonly<Record<string, unknown>>
  readonly events?: Readonly<Record<string, unknown>>
  /** Where results are written. */
  readonly results?: Readonly<Record<string, unknown>>
  readonly incremental?: Readonly<Record<string, unknown>>
  readonly endedAt?: string
  readonly store?: string
  /** Whether experiments have a series. */
  readonly series?: boolean
  /** Further metrics by their keys, as their files have them. */
  readonly metrics?: Readonly<Record<string, string>>
}

/** What a command left. */
export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A command that runs. */
export interface Running {
  readonly ended: Promise<Ended>
  readonly signal: (signal: NodeJS.Signals) => void
  /** Resolves once stderr has said something that matches. */
  readonly said: (pattern: RegExp) => Promise<void>
}

/** A project; remove it at the end. */
export interface Project {
  readonly folder: string
  readonly start: (args: ReadonlyArray<string>, options?: StartOptions) => Running
  readonly run: (args: ReadonlyArray<string>, options?: StartOptions) => Promise<Ended>
  /** Changes what the configuration says. */
  readonly configure: (options: ProjectOptions) => void
  /** The files of the store with their content. */
  readonly stored: () => Readonly<Record<string, string>>
  readonly remove: () => void
}

/** `shell` is a line of Bash that runs before the command, in the same process. */
export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly shell?: string
}

const experiment = (feature: string, endedAt: string, metrics: ReadonlyArray<string>) =>
  `key: ${feature}
environment: production
feature: ${feature}
started_at: ${window.from}
ended_at: ${endedAt}
control: control
variants:
  - { key: control, share: 1 }
  - { key: treatment, share: 1 }
metrics:
  - { metric: purchased, role: goal }
  - { metric: revenue, role: secondary }
${metrics.map((key) => `  - ${key}\n`).join("")}`

const definitions = {
  "metrics/purchased.yaml": "key: purchased\naggregation: occurrence\nevent: purchase\ndirection: up\n",
  "metrics/revenue.yaml": "key: revenue\naggregation: sum\nevent: purchase\ndirection: up\n"
}

const configuration = (options: ProjectOptions): string => {
  const config = {
    warehouse: {
      url: options.url,
      username: (options.user ?? users.reader).name,
      password: { env: "SHOP_PASSWORD" },
      database: "shop",
      ...options.warehouse
    },
    events: { ...options.events },
    ...(options.results === undefined ? {} : { results: options.results }),
    ...(options.incremental === undefined ? {} : { incremental: options.incremental }),
    ...(options.store === undefined ? {} : { store: options.store }),
    ...(options.series === undefined ? {} : { defaults: { series: options.series } })
  }
  return `import { defineConfig } from "@assay/runner"\n\nexport default defineConfig(${
    JSON.stringify(config, null, 2)
  })\n`
}

const files = (folder: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => [join(entry.parentPath, entry.name), readFileSync(join(entry.parentPath, entry.name), "utf8")])
  )

/** Makes a project with the experiments `alpha` and `beta` in a temporary folder. */
export const makeProject = (options: ProjectOptions): Project => {
  const folder = mkdtempSync(join(tmpdir(), "assay-project-"))
  let password = ""
  const configure = (next: ProjectOptions) => {
    password = (next.user ?? users.reader).password
    const { endedAt = window.to, metrics = {} } = next
    const keys = Object.keys(metrics)
    const all = {
      "assay.config.ts": configuration(next),
      ...definitions,
      ...Object.fromEntries(Object.entries(metrics).map(([key, text]) => [`metrics/${key}.yaml`, text])),
      "experiments/alpha.yaml": experiment("alpha", endedAt, keys),
      "experiments/beta.yaml": experiment("beta", endedAt, keys)
    }
    for (const [name, text] of Object.entries(all)) {
      mkdirSync(join(folder, name, ".."), { recursive: true })
      writeFileSync(join(folder, name), text)
    }
  }
  configure(options)

  const start = (args: ReadonlyArray<string>, { env = {}, shell }: StartOptions = {}): Running => {
    const line = [process.execPath, command, ...args]
    const [program, ...rest] = shell === undefined ? line : ["bash", "-c", `${shell}; exec "$@"`, "bash", ...line]
    const child = spawn(program!, rest, {
      cwd: folder,
      env: { ...process.env, NODE_OPTIONS: "", NODE_DISABLE_COMPILE_CACHE: "1", SHOP_PASSWORD: password, ...env },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true
    })
    let stdout = ""
    let stderr = ""
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text))
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text))
    const ended = new Promise<Ended>((done, fail) => {
      child.on("error", fail).on("close", (code) => done({ code, stdout, stderr }))
    })
    return {
      ended,
      // As a terminal does: to all processes of the command.
      signal: (signal) => process.kill(-child.pid!, signal),
      said: (pattern) =>
        new Promise((done, fail) => {
          const look = () => pattern.test(stderr) && done()
          child.stderr.on("data", look)
          child.on("close", () => fail(new Error(`It ended without saying ${pattern}: ${stderr}`)))
          look()
        })
    }
  }

  return {
    folder,
    configure,
    start,
    run: (args, startOptions) => start(args, startOptions).ended,
    stored: () => {
      try {
        return files(join(folder, ".assay"))
      } catch {
        return {}
      }
    },
    remove: () => rmSync(folder, { recursive: true, force: true })
  }
}

/** All that must stay secret, in the forms in which it might leak. */
export const secrets: ReadonlyArray<string> = Object.values(users).flatMap(({ name, password }) => [
  password,
  encodeURIComponent(password),
  Buffer.from(password).toString("base64"),
  Buffer.from(`${name}:${password}`).toString("base64")
])
