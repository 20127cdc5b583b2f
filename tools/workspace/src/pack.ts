/**
 * `npm run pack -- <folder>`: the packages that are published, as tarballs. What must be in one is taken together in a folder of its own
 * (compiled JavaScript, types, sources for the source maps, README, licence, and its package.json as others see it), so that nothing of
 * this has to lie about in the packages themselves. `npm publish <tarball>` does the rest.
 */
import { execFileSync } from "node:child_process"
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, delimiter, join, resolve } from "node:path"
import { published } from "./published.ts"
import { isRecord, read } from "./Workspace.ts"

const root = resolve(import.meta.dirname, "../../..")

const usage = "npm run pack -- <folder> [--repository=<url>]"

const args = process.argv.slice(2)
const [folder, ...others] = args.filter((arg) => !arg.startsWith("--repository="))
if (folder === undefined || others.length > 0 || folder.startsWith("-")) {
  console.error(`Name the folder for the tarballs: ${usage}`)
  process.exit(2)
}
const out = resolve(folder)

/** Where the repository is: told, or as CI says it. */
const repository = ((): string | undefined => {
  const told = args.find((arg) => arg.startsWith("--repository="))?.slice("--repository=".length)
  const { GITHUB_REPOSITORY: name, GITHUB_SERVER_URL: host } = process.env
  return told ?? (name === undefined || host === undefined ? undefined : `${host}/${name}`)
})()

const manifestIn = (directory: string): Readonly<Record<string, unknown>> => {
  const manifest: unknown = JSON.parse(readFileSync(join(root, directory, "package.json"), "utf8"))
  return isRecord(manifest) ? manifest : {}
}

const packages = read(root).packages.map(({ directory }) => ({ directory, manifest: manifestIn(directory) }))
  .filter(({ manifest }) => manifest["private"] !== true)

const unbuilt = packages.filter(({ directory }) => !existsSync(join(root, directory, "dist/index.js")))
if (unbuilt.length > 0) {
  console.error(`${unbuilt.map(({ directory }) => directory).join(", ")}: not built. Run npm run types first.`)
  process.exit(1)
}

/** Whether a compiled file's source is still there: a build leaves what it made of files that are gone. */
const hasSource = (path: string): boolean =>
  existsSync(path.replace("/dist/", "/src/").replace(/\.(js|d\.ts)(\.map)?$/, ".ts"))

const stage = mkdtempSync(join(tmpdir(), "assay-pack-"))
try {
  const staged = packages.map(({ directory, manifest }) => {
    const place = join(stage, directory)
    const files = Array.isArray(manifest["files"]) ? manifest["files"].map(String) : []
    mkdirSync(place, { recursive: true })
    for (const file of files) {
      cpSync(join(root, directory, file), join(place, file), {
        recursive: true,
        filter: (path) => basename(path) !== ".tsbuildinfo" && (!path.includes("/dist/") || hasSource(path))
      })
    }
    copyFileSync(join(root, "LICENSE"), join(place, "LICENSE"))
    writeFileSync(
      join(place, "package.json"),
      `${JSON.stringify(published(manifest, { directory, repository }), null, 2)}\n`
    )
    return place
  })
  mkdirSync(out, { recursive: true })
  const made = execFileSync("npm", ["pack", "--silent", "--ignore-scripts", `--pack-destination=${out}`, ...staged], {
    cwd: stage,
    encoding: "utf8",
    env: { ...process.env, PATH: `${join(root, "node_modules/.bin")}${delimiter}${process.env["PATH"] ?? ""}` }
  })
  console.log(made.trim())
} finally {
  rmSync(stage, { recursive: true, force: true })
}
if (repository === undefined) {
  console.error("The repository isn't known (--repository=<url>), so these don't say where they come from.")
}
