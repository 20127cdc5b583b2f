/** Compiles the server and puts it, libchdb and the system's libraries into an image. */
import { execFileSync, spawnSync } from "node:child_process"
import { copyFileSync, cpSync, linkSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { basename, dirname, join, resolve } from "node:path"
import { librariesIn } from "./librariesIn.ts"
import { tagOf } from "./tagOf.ts"

const sources = resolve(import.meta.dirname, "../image")

/** The folder of libchdb for this machine's processor, and its version. */
const locateLibrary = (): { readonly folder: string; readonly version: string } => {
  const name = `@chdb/lib-linux-${process.arch}-gnu`
  try {
    const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`)
    const { version } = JSON.parse(readFileSync(manifest, "utf8"))
    return { folder: dirname(manifest), version: String(version) }
  } catch {
    throw new Error(`${name} isn't installed: it comes with chdb, on Linux with glibc. Run npm ci there.`)
  }
}

/** The system's libraries that a program needs, the loader among them. */
const librariesOf = (file: string): ReadonlyArray<string> =>
  librariesIn(execFileSync("ldd", [file], { encoding: "utf8" }))

const filesOf = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted()

const isThere = (tag: string): boolean =>
  spawnSync("docker", ["image", "inspect", tag], { stdio: "ignore" }).status === 0

/** A second name for a large file where the file system allows it, else a copy. */
const place = (from: string, to: string): void => {
  try {
    linkSync(from, to)
  } catch {
    copyFileSync(from, to)
  }
}

/**
 * Builds the image unless it is there. Its name ends in a hash of what it is made of (libchdb's version, the sources beside this
 * file, the system's libraries), so another content is another image.
 *
 * @returns the image's name, such as `assay/clickhouse:26.7.3-0123456789ab`
 * @throws where libchdb, gcc or the container engine is missing
 */
export const buildImage = (): string => {
  const { folder, version } = locateLibrary()
  const library = join(folder, "libchdb.so")
  const libraries = librariesOf(library)
  const parts = [...filesOf(sources), ...libraries].map((file) => [basename(file), readFileSync(file)] as const)
  const tag = tagOf(version, parts)
  if (isThere(tag)) return tag

  const context = mkdtempSync(join(tmpdir(), "assay-clickhouse-"))
  try {
    const root = join(context, "root")
    const libraryFolder = join(root, "usr/lib/clickhouse")
    for (const path of ["usr/bin", "usr/lib/clickhouse", "etc", "tmp", "var/lib/clickhouse/tmp"]) {
      mkdirSync(join(root, path), { recursive: true })
    }
    const program = join(root, "usr/bin/clickhouse-server")
    execFileSync("gcc", ["-O1", "-Wall", "-o", program, join(sources, "server.c"), `-L${folder}`, "-lchdb"])
    place(library, join(libraryFolder, "libchdb.so"))
    for (const path of new Set([...libraries, ...librariesOf(program)])) {
      const loader = basename(path).startsWith("ld-")
      const target = loader ? join(root, path) : join(libraryFolder, basename(path))
      mkdirSync(dirname(target), { recursive: true })
      copyFileSync(path, target)
    }
    cpSync(join(sources, "clickhouse-server"), join(root, "etc/clickhouse-server"), { recursive: true })
    copyFileSync(join(sources, "passwd"), join(root, "etc/passwd"))
    copyFileSync(join(sources, "Dockerfile"), join(context, "Dockerfile"))
    const built = spawnSync("docker", ["build", "--quiet", "--tag", tag, context], { encoding: "utf8" })
    if (built.status !== 0) throw new Error(`docker build failed: ${built.error?.message ?? built.stderr}`)
    return tag
  } finally {
    rmSync(context, { recursive: true, force: true })
  }
}
