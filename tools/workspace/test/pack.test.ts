/** The tarballs that are published, made and unpacked for real. */
import { execFileSync } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { published } from "../src/published.ts"
import { isRecord, read } from "../src/Workspace.ts"

const root = join(import.meta.dirname, "../../..")
const folder = mkdtempSync(join(tmpdir(), "assay-packed-"))

interface Packed {
  readonly directory: string
  readonly place: string
  readonly files: ReadonlyArray<string>
  readonly manifest: Readonly<Record<string, unknown>>
}

const json = (path: string): Readonly<Record<string, unknown>> => {
  const value: unknown = JSON.parse(readFileSync(path, "utf8"))
  return isRecord(value) ? value : {}
}

/** Every path that `exports` or `bin` leads to. */
const targets = (value: unknown): ReadonlyArray<string> =>
  typeof value === "string" ? [value] : isRecord(value) ? Object.values(value).flatMap(targets) : []

const sourcesOf = (root: string): ReadonlyArray<string> =>
  readdirSync(join(root, "src"), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))

describe("the packed packages", () => {
  let packages: ReadonlyArray<Packed> = []
  beforeAll(() => {
    execFileSync(process.execPath, [
      join(root, "tools/workspace/src/pack.ts"),
      folder,
      "--repository=https://example.com/assay"
    ])
    packages = read(root).packages.filter(({ directory }) =>
      json(join(root, directory, "package.json"))["private"] !== true
    ).map(({ directory, manifest: { name, version } }) => {
      const place = join(folder, directory)
      mkdirSync(place, { recursive: true })
      const tarball = `${name.replace("@", "").replace("/", "-")}-${version}.tgz`
      execFileSync("tar", ["-xzf", join(folder, tarball), "-C", place, "--strip-components=1"])
      const files = readdirSync(place, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(place.length + 1))
      return { directory, place, files, manifest: json(join(place, "package.json")) }
    })
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  /** What is wrong in each package, as `directory: sentence`. */
  const findings = (wrong: (packed: Packed) => ReadonlyArray<string>): ReadonlyArray<string> =>
    packages.flatMap((packed) => wrong(packed).map((what) => `${packed.directory}: ${what}`))

  it("are those of packages/ and apps/", () => {
    expect(packages.length).toBeGreaterThan(20)
    expect(packages.filter(({ directory }) => !/^(packages|apps)\//.test(directory))).toEqual([])
    expect(readdirSync(folder).filter((file) => file.endsWith(".tgz"))).toHaveLength(packages.length)
  })

  it("hold README, licence, all sources, and no tests or leftovers of the compiler", () => {
    expect(findings(({ directory, files }) => [
      ...["README.md", "LICENSE", ...sourcesOf(join(root, directory))].filter((file) => !files.includes(file))
        .map((file) => `lacks ${file}`),
      ...files.filter((file) => /(^|\/)test\/|\.test\.|tsbuildinfo|vitest|tsconfig/.test(file))
        .map((file) => `has ${file}`)
    ])).toEqual([])
  })

  it("hold JavaScript, types and source maps of every source, and nothing compiled without a source", () => {
    expect(findings(({ files }) => {
      const names = files.filter((file) => /^src\/.*(?<!\.d)\.ts$/.test(file))
        .map((file) => file.replace(/^src/, "dist").slice(0, -".ts".length))
      const expected = names.flatMap((name) => [".js", ".js.map", ".d.ts", ".d.ts.map"].map((end) => name + end))
      return [
        ...expected.filter((file) => !files.includes(file)).map((file) => `lacks ${file}`),
        ...files.filter((file) => file.startsWith("dist/") && !expected.includes(file)).map((file) => `has ${file}`)
      ]
    })).toEqual([])
  })

  it("hold the sources that their source maps name", () => {
    expect(findings(({ files, place }) =>
      files.filter((file) => file.endsWith(".map")).flatMap((file) => {
        const { sources } = json(join(place, file))
        return (Array.isArray(sources) ? sources.map(String) : ["?"])
          .filter((source) => !existsSync(join(place, dirname(file), source)))
          .map((source) => `${file} leads to ${source}`)
      })
    )).toEqual([])
  })

  it("lead to nothing but files that they hold", () => {
    expect(findings(({ files, manifest }) => {
      const led = targets(
        [manifest["exports"], manifest["bin"]].reduce((all, one) => ({ ...Object(all), ...Object(one) }), {})
      )
      return [
        ...(led.length === 0 ? ["exports nothing"] : []),
        ...led.filter((path) => !files.includes(path.replace(/^\.\//, ""))).map((path) => `leads to ${path}`)
      ]
    })).toEqual([])
  })

  it("name each other with the version that is packed, and everything else with an exact one", () => {
    const versions = new Map(packages.map(({ manifest }) => [manifest["name"], manifest["version"]]))
    expect(findings(({ manifest }) => [
      ...(manifest["devDependencies"] === undefined ? [] : ["has devDependencies"]),
      ...["dependencies", "optionalDependencies", "peerDependencies"].flatMap((group) =>
        Object.entries(Object(manifest[group]) as Record<string, string>).filter(([name, version]) =>
          name.startsWith("@assay/") ? versions.get(name) !== version : !/^\^?\d+\.\d+\.\d+$/.test(version)
        ).map(([name, version]) => `${group}: ${name} ${version}`)
      )
    ])).toEqual([])
  })

  it("say where they come from, for npm to attest to it", () => {
    expect(findings(({ directory, manifest }) => [
      ...(manifest["license"] === "MIT" && typeof manifest["description"] === "string"
        ? []
        : ["no licence or description"]),
      ...(JSON.stringify(manifest["repository"]) ===
          JSON.stringify({ type: "git", url: "git+https://example.com/assay.git", directory })
        ? []
        : ["another repository"]),
      ...(JSON.stringify(manifest["publishConfig"]) === JSON.stringify({ access: "public", provenance: true })
        ? []
        : ["another publishConfig"])
    ])).toEqual([])
  })
})

describe("a published package.json", () => {
  it("keeps what others need, and loses what works in the repository alone", () => {
    expect(published({
      name: "@assay/x",
      version: "1.0.0",
      scripts: { test: "vitest run" },
      nx: { tags: ["layer:plugin"] },
      devDependencies: { "@assay/y": "1.0.0" },
      dependencies: { "@assay/z": "1.0.0" },
      exports: { ".": { "@assay/source": "./src/index.ts", default: "./dist/index.js" }, "./a": "./a.js" }
    }, { directory: "packages/x", repository: undefined })).toEqual({
      name: "@assay/x",
      version: "1.0.0",
      dependencies: { "@assay/z": "1.0.0" },
      exports: { ".": { default: "./dist/index.js" }, "./a": "./a.js" },
      publishConfig: { access: "public" }
    })
  })
})
