/** A project on disk: its configuration and its definition files. */
import {
  type Definitions,
  parseDefinitions,
  resolveConfig,
  type ResolvedConfig,
  type SourceFile,
  type StoreConfig
} from "@assay/definitions"
import { DefinitionError, type DefinitionIssue, formatIssue, suggest } from "@assay/model"
import { type SecretSource, WarehouseConfig } from "@assay/warehouse"
import { Effect, Result } from "effect"
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs"
import { registerHooks } from "node:module"
import { basename, dirname, join, relative, resolve } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { standardAggregations } from "./config.ts"

/** A configuration file that was read and checked. Paths in it are absolute. */
export interface Project {
  readonly file: string
  readonly root: string
  readonly config: ResolvedConfig<WarehouseConfig>
}

/** A project with its definitions. */
export interface LoadedProject extends Project {
  readonly definitions: Definitions
}

const configNames = ["assay.config.ts", "assay.config.mts", "assay.config.js", "assay.config.mjs"]

const issue = (file: string, found: string, expected: string, hint: string) =>
  new DefinitionError({ issues: [{ file, path: [], found, expected, hint }] })

/** A path as a person in this directory would write it. */
export const shown = (path: string): string => {
  const near = relative(process.cwd(), path)
  return near === "" ? "." : near.startsWith("..") ? path : near
}

const findConfig = (given: string | undefined) => {
  if (given !== undefined) {
    const file = resolve(given)
    return existsSync(file) && statSync(file).isDirectory()
      ? configNames.map((name) => join(file, name)).find(existsSync) ?? join(file, configNames[0]!)
      : file
  }
  return configNames.map((name) => resolve(name)).find(existsSync) ?? resolve(configNames[0]!)
}

/**
 * A configuration imports Assay's packages, which may not be installed beside it (a global install, a checkout): what isn't
 * found from there is taken from here.
 */
const resolveOwnPackages = () =>
  registerHooks({
    resolve: (specifier, context, next) => {
      try {
        return next(specifier, context)
      } catch (error) {
        if (!specifier.startsWith("@assay/")) throw error
        if (specifier === "@assay/runner") {
          return { url: new URL("./index.ts", import.meta.url).href.replace(/\.ts$/, ownExtension), shortCircuit: true }
        }
        return next(specifier, { ...context, parentURL: import.meta.url })
      }
    }
  })

const ownExtension = import.meta.url.endsWith(".ts") ? ".ts" : ".js"

/** What somebody else's module prints goes to stderr: stdout is for results. */
const printingToStderr = async <A>(run: () => Promise<A>): Promise<A> => {
  const { debug, info, log } = console
  Object.assign(console, { debug: console.error, info: console.error, log: console.error })
  try {
    return await run()
  } finally {
    Object.assign(console, { debug, info, log })
  }
}

/** Files of Assay's own, installed or in a checkout: what they throw is a mistake of whoever called them. */
const ownFile = /\/(@assay\/[^/]+|packages\/[^/]+)\/(src|dist)\//

/** Where an error was thrown, as `file:line`, when it was in somebody's module. */
const thrownAt = (error: Error): string | undefined => {
  const frames = [...(error.stack ?? "").matchAll(/\(?(file:\/\/[^\s)]+?):(\d+):\d+\)?$/gm)]
  const [, url, line] = frames.find(([frame]) => !ownFile.test(frame)) ?? []
  return url === undefined ? undefined : `${shown(fileURLToPath(url))}:${line}`
}

/** What is wrong with a configuration that couldn't be imported: what was found, what was expected, what to do. */
const importProblem = (file: string, error: unknown): readonly [found: string, expected: string, hint: string] => {
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof SyntaxError) {
    const [, module, name] = /requested module '([^']+)' does not provide an export named '([^']+)'/.exec(message) ?? []
    if (name !== undefined) {
      return [
        `an import of ${name} from "${module}", which exports no such name`,
        "a name that it exports",
        "Mend the name, or install a version of the package that exports it"
      ]
    }
    if (/^(Cannot use import statement outside a module|Unexpected token 'export')$/.test(message)) {
      return [
        "a module in a package that isn't one of modules",
        "a module",
        "Set \"type\": \"module\" in its package.json, or end its name in .mts"
      ]
    }
    return [
      `text that isn't TypeScript (${message})`,
      "a module that ends with `export default defineConfig({ … })`",
      "Mend the configuration file, or the file that it imports"
    ]
  }
  if (error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND") {
    return [`a module that failed: ${message}`, "a module that loads", "Install what it imports, or mend the import"]
  }
  const at = error instanceof Error && !("code" in error) ? thrownAt(error) : undefined
  return [
    `a module that failed${at === undefined ? "" : ` at ${at}`}: ${message}`,
    "a module that loads",
    at === undefined || at.startsWith(`${shown(file)}:`)
      ? "Mend the configuration file"
      : "Mend what it imports, or take the import out"
  ]
}

const importConfig = (file: string) =>
  Effect.tryPromise({
    try: async () => {
      const hooks = resolveOwnPackages()
      try {
        const module = await printingToStderr(() =>
          import(pathToFileURL(file).href) as Promise<{ readonly default?: unknown }>
        )
        return module.default
      } finally {
        hooks.deregister()
      }
    },
    catch: (error) => issue(shown(file), ...importProblem(file, error))
  })

const secret = (source: SecretSource, absolute: (path: string) => string): SecretSource =>
  "file" in source ? { file: absolute(source.file) } : source

/** Files of a connection that are named relative to the configuration, wherever the command runs. */
const absoluteFiles = (config: WarehouseConfig, absolute: (path: string) => string): WarehouseConfig => {
  const { access_token, embedded, password, proxy, tls } = config
  return {
    ...config,
    ...(embedded?.path === undefined ? {} : { embedded: { path: absolute(embedded.path) } }),
    ...(password === undefined ? {} : { password: secret(password, absolute) }),
    ...(access_token === undefined ? {} : { access_token: secret(access_token, absolute) }),
    ...(proxy === undefined || typeof proxy === "string" ? {} : { proxy: secret(proxy, absolute) }),
    ...(tls === undefined
      ? {}
      : { tls: Object.fromEntries(Object.entries(tls).map(([key, path]: [string, string]) => [key, absolute(path)])) })
  }
}

/** A store whose folder or file, or the file with its connection URL, is named relative to the configuration. */
const absoluteStore = (config: StoreConfig, absolute: (path: string) => string): StoreConfig =>
  "folder" in config
    ? { folder: absolute(config.folder) }
    : "file" in config
    ? { file: absolute(config.file) }
    : { ...config, postgres: secret(config.postgres, absolute) }

/** Reads and checks the configuration: the file or folder given, else `assay.config.ts` in the working directory. */
export const loadProject = Effect.fn("project.load")(function*(given: string | undefined) {
  const file = findConfig(given)
  if (!existsSync(file)) {
    const near = existsSync(dirname(file)) ? suggest(basename(file), readdirSync(dirname(file))) : undefined
    return yield* issue(
      shown(file),
      "no such file",
      "the configuration of a project",
      near ?? "Make a project with `assay init`, or name its configuration with --config <file>"
    )
  }
  const exported = yield* importConfig(file)
  const root = dirname(file)
  const config = yield* Effect.fromResult(
    resolveConfig(exported, { file: shown(file), warehouse: WarehouseConfig, aggregations: standardAggregations })
  )
  const absolute = (path: string) => resolve(root, path)
  const project: Project = {
    file,
    root,
    config: {
      ...config,
      warehouse: absoluteFiles(config.warehouse, absolute),
      ...(config.results === undefined
        ? {}
        : { results: config.results === true ? true : absoluteFiles(config.results, absolute) }),
      experiments: absolute(config.experiments),
      metrics: absolute(config.metrics),
      store: absoluteStore(config.store, absolute)
    }
  }
  return project
})

const codeOf = (error: unknown): unknown => (error instanceof Error && "code" in error ? error.code : undefined)

/** The files of a folder that can be read, and what is wrong with the folder or the others. */
interface Folder {
  readonly files: ReadonlyArray<SourceFile>
  readonly issues: ReadonlyArray<DefinitionIssue>
}

const readFolder = (project: Project, kind: "experiments" | "metrics"): Folder => {
  const folder = project.config[kind]
  const listed = Result.try(() => readdirSync(folder, { recursive: true, encoding: "utf8" }))
  if (Result.isFailure(listed)) {
    const found = codeOf(listed.failure) === "ENOENT" ? "no such folder" : codeOf(listed.failure) === "ENOTDIR"
      ? "a file"
      : String(listed.failure)
    return {
      files: [],
      issues: [{
        file: shown(folder),
        path: [],
        found,
        expected: `a folder of ${kind} (one YAML file each)`,
        hint: `Make it, or name another one as \`${kind}\` in ${
          shown(project.file)
        }; \`assay init\` makes a whole project`
      }]
    }
  }
  const paths = listed.success.filter((name) => /\.ya?ml$/.test(name)).toSorted().map((name) => join(folder, name))
  const read = paths.map((path) =>
    Result.try({
      try: (): SourceFile => ({ file: shown(path), text: readFileSync(path, "utf8") }),
      catch: (error): DefinitionIssue => ({
        file: shown(path),
        path: [],
        found: codeOf(error) === "EISDIR"
          ? "a folder"
          : codeOf(error) === "ENOENT"
          ? "a link to nothing"
          : codeOf(error) === "EACCES"
          ? "a file that this user may not read"
          : String(error),
        expected: "a file that can be read",
        hint: codeOf(error) === "EACCES" ? "Give this user the right to read it" : "Remove or rename it"
      })
    })
  )
  return {
    files: read.flatMap((one) => (Result.isSuccess(one) ? [one.success] : [])),
    issues: read.flatMap((one) => (Result.isFailure(one) ? [one.failure] : []))
  }
}

/** Reads and checks the configuration and all definition files; fails with everything that is wrong in any of them. */
export const loadDefinitions = (given: string | undefined) => Effect.flatMap(loadProject(given), readDefinitions)

/** Reads and checks all definition files of a project; fails with everything that is wrong in any of them. */
export const readDefinitions = Effect.fn("project.definitions")(function*(project: Project) {
  const [experiments, metrics] = [readFolder(project, "experiments"), readFolder(project, "metrics")]
  const definitions = yield* Effect.fromResult(
    parseDefinitions({
      experiments: experiments.files,
      metrics: metrics.files,
      unread: [...experiments.issues, ...metrics.issues],
      config: {
        ...project.config,
        experiments: shown(project.config.experiments),
        metrics: shown(project.config.metrics)
      }
    })
  )
  const loaded: LoadedProject = { ...project, definitions }
  return loaded
})

/** The warnings of a project, a line each. */
export const warningLines = (project: LoadedProject): ReadonlyArray<string> =>
  project.definitions.warnings.map((warning) => `warning: ${formatIssue(warning)}`)
