/** The examples of `deploy`: that the files are what they claim to be, and that their commands are commands. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { parseAllDocuments } from "yaml"
import { assay, execute, folder, repository } from "./assay.ts"

const at = (...path: ReadonlyArray<string>) => join(repository, "deploy", ...path)
const text = (...path: ReadonlyArray<string>) => readFileSync(at(...path), "utf8")

/** Everything in a parsed YAML document that is under a key, however deep. */
const under = (value: unknown, key: string): ReadonlyArray<unknown> =>
  Array.isArray(value)
    ? value.flatMap((one) => under(one, key))
    : typeof value === "object" && value !== null
    ? Object.entries(value).flatMap(([name, one]) => [...(name === key ? [one] : []), ...under(one, key)])
    : []

const texts = (value: unknown): ReadonlyArray<string> => (Array.isArray(value) ? value.map(String) : [])

interface Container {
  readonly args: ReadonlyArray<string>
}

const manifests = readdirSync(at("kubernetes")).map((file) => {
  const documents = parseAllDocuments(text("kubernetes", file), { merge: true })
  return {
    file,
    errors: documents.flatMap(({ errors }) => errors),
    values: documents.map((one) => one.toJS() as object)
  }
})

const units = readdirSync(at("systemd"))

/** What a unit starts, after the path of the command. */
const started = (unit: string): ReadonlyArray<string> => {
  const [, line] = /^ExecStart=\/usr\/bin\/node \/opt\/assay\/node_modules\/@assay\/runner\/bin\/assay\.js (.*)$/m.exec(
    text("systemd", unit)
  ) ?? []
  return (line ?? "").split(" ")
}

/** The words of an instruction of the Dockerfile. */
const instruction = (name: string): ReadonlyArray<string> =>
  texts(JSON.parse(new RegExp(`^${name} (\\[.*\\])$`, "m").exec(text("Dockerfile"))?.[1] ?? "[]"))

const commands: ReadonlyArray<readonly [string, ReadonlyArray<string>]> = [
  ["Dockerfile", instruction("CMD")],
  ...units.filter((unit) => unit.endsWith(".service")).map((unit) => [unit, started(unit)] as const),
  ...manifests.flatMap(({ file, values }) =>
    [...under(values, "containers"), ...under(values, "initContainers")].flat().map((container) =>
      [file, (container as Container).args] as const
    )
  )
]

describe("a command of the examples", () => {
  it("is there in each file that has one", () => {
    expect(commands.length).toBe(1 + 4 + 5)
  })

  // Parsed by the command itself, which then misses its configuration and has done nothing.
  it.each([...new Map(commands.map(([, args]) => [args.join(" "), args]))])(
    "is taken by the command: %s",
    async (_, args) => {
      const { code, stderr } = await assay(args, { cwd: folder() })
      expect(code).toBe(2)
      expect(stderr).toMatch(/^error: assay\.config\.ts: found no such file/)
    }
  )
})

describe("the manifests for Kubernetes", () => {
  it.each(manifests)("in $file are well-formed, locked down, and have time to stop", ({ errors, values }) => {
    expect(errors).toEqual([])
    for (const value of values) {
      expect(value).toMatchObject({
        apiVersion: expect.any(String),
        kind: expect.any(String),
        metadata: { name: expect.stringMatching(/^assay/) }
      })
    }
    for (const container of [...under(values, "containers"), ...under(values, "initContainers")].flat()) {
      expect(container).toMatchObject({
        securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true }
      })
    }
    const [seconds] = under(values, "args").map(texts).flatMap((args) => {
      const i = args.indexOf("--stop-seconds")
      return i < 0 ? [] : [Number(args[i + 1])]
    })
    for (const grace of under(values, "terminationGracePeriodSeconds")) expect(grace).toBeGreaterThan(seconds ?? 25)
  })

  it("keep no secret", () => {
    for (const { values } of manifests) {
      for (const env of under(values, "env").flat()) {
        expect(JSON.stringify(env)).not.toMatch(/password|token|DATABASE_URL/i)
      }
    }
  })
})

/** Reads units as systemd does; comes with it. */
const analyze = "/usr/bin/systemd-analyze"

describe("the units for systemd", () => {
  it.each(units)("%s have sections and keys in each line", (unit) => {
    const lines = text("systemd", unit).split("\n").filter((line) => line !== "" && !line.startsWith("#"))
    expect(lines[0]).toBe("[Unit]")
    for (const line of lines) expect(line).toMatch(/^(\[(Unit|Service|Timer|Install)\]|[A-Z][A-Za-z]+=.+)$/)
  })

  // Where systemd is, it reads them itself, with programs that are there.
  it.each(existsSync(analyze) ? [analyze] : [])("are good for %s", async (analyze) => {
    const place = folder()
    for (const unit of units) {
      writeFileSync(join(place, unit), text("systemd", unit).replace("/usr/bin/node", process.execPath))
    }
    const { stderr, code } = await execute(analyze, ["verify", ...units.map((unit) => join(place, unit))])
    expect([code, stderr.split("\n").filter((line) => line.includes("assay-"))]).toEqual([0, []])
  })
})

describe("the image", () => {
  it("starts from an image that may be another, as nobody's user, with the command first", () => {
    const dockerfile = text("Dockerfile")
    expect(dockerfile).toMatch(/^ARG NODE_IMAGE=node:24[\w.-]*\nFROM \$\{NODE_IMAGE\}$/m)
    expect(dockerfile).toMatch(/^USER 1000:1000$/m)
    expect(instruction("ENTRYPOINT")).toEqual(["node", "/app/node_modules/@assay/runner/bin/assay.js"])
  })
})
