/** The image of `deploy`, built of this repository without a registry of images: on Node and the libraries of this machine. */
import { librariesIn } from "@assay/clickhouse-image"
import { packedIn, startRegistry } from "@assay/tutorial"
import { execFile, execFileSync } from "node:child_process"
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join, resolve } from "node:path"
import { promisify } from "node:util"

const repository = resolve(import.meta.dirname, "../../..")
const execute = promisify(execFile)
const tag = `assay/runner-test:${process.pid}`
const baseTag = `assay/node-test:${process.pid}`

const program = (name: string, args: ReadonlyArray<string>, cwd = repository): string =>
  execFileSync(name, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] })

/** An image with Node and what it needs of the system, and nothing else: no shell, no users. */
const buildBase = (scratch: string): void => {
  const root = join(scratch, "base")
  const place = (from: string, to: string) => {
    mkdirSync(dirname(join(root, to)), { recursive: true })
    copyFileSync(from, join(root, to))
  }
  place(process.execPath, "usr/bin/node")
  for (const library of librariesIn(program("ldd", [process.execPath]))) place(library, library)
  const tar = join(scratch, "base.tar")
  program("tar", ["-C", root, "-cf", tar, "."])
  program("docker", ["import", tar, baseTag])
}

/** What is copied into the image, made as deploy/README.md says, with third-party packages in the versions of our lockfile. */
const installApp = async (scratch: string, context: string): Promise<void> => {
  const tarballs = join(scratch, "packed")
  program(process.execPath, ["tools/workspace/src/pack.ts", tarballs])
  const registry = await startRegistry({
    packed: packedIn(tarballs, (file) => program("tar", ["-xzOf", file, "package/package.json"])),
    lockfile: readFileSync(join(repository, "package-lock.json"), "utf8"),
    upstream: program("npm", ["config", "get", "registry"]).trim()
  })
  const ours = program("sh", ["-c", `ls '${tarballs}'/*.tgz | grep -v testkit`]).trim().split("\n")
  try {
    const app = ["--prefix", join(context, "app"), "--omit=optional", "--no-save", "--no-audit", "--no-fund"]
    await execute("npm", ["install", ...app, "--registry", registry.url, ...ours], { cwd: scratch })
  } finally {
    await registry.close()
  }
}

/** Builds the image with the repository's Dockerfile; `remove` takes it and its base away. */
export const buildAssayImage = async (): Promise<{ readonly tag: string; readonly remove: () => void }> => {
  const scratch = mkdtempSync(join(tmpdir(), "assay-image-"))
  const context = join(scratch, "deploy")
  const remove = () => void program("docker", ["rmi", "--force", tag, baseTag])
  try {
    mkdirSync(context)
    copyFileSync(join(repository, "deploy/Dockerfile"), join(context, "Dockerfile"))
    buildBase(scratch)
    await installApp(scratch, context)
    program("docker", ["build", "--quiet", "--build-arg", `NODE_IMAGE=${baseTag}`, "--tag", tag, context])
  } catch (error) {
    remove()
    throw error
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
  return { tag, remove }
}
