/** The container image of `deploy`, built and run as a cluster runs it: as its own user, on a file system that can't be written to. */
import { spawnSync } from "node:child_process"
import { chmodSync, mkdirSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest"
import { users } from "../src/index.ts"
import { guard, owner } from "../src/removal.ts"
import { buildAssayImage } from "./assayImage.ts"
import { makeProject, type Project } from "./project.ts"
import { identities } from "./shop.ts"

let image: Awaited<ReturnType<typeof buildAssayImage>>
let project: Project

beforeAll(async () => {
  guard()
  image = await buildAssayImage()
  project = makeProject({ url: inject("url"), store: "/results" })
  // Whoever the image's user is reads the project and writes results.
  chmodSync(project.folder, 0o755)
  mkdirSync(join(project.folder, "results"))
  chmodSync(join(project.folder, "results"), 0o777)
}, 600_000)
afterAll(() => {
  project?.remove()
  image?.remove()
})

const docker = (...args: ReadonlyArray<string>) => {
  const { status, stderr, stdout } = spawnSync("docker", args, { encoding: "utf8" })
  return { code: status, stdout, stderr }
}

/** As deploy/kubernetes has it: nothing may be written but `/tmp` and the results, no right of root is there, and none can be got. */
const locked = () => [
  "--label",
  `org.assay.owner=${owner}`,
  "--network=host",
  "--read-only",
  "--cap-drop=ALL",
  "--security-opt=no-new-privileges",
  "--tmpfs=/tmp",
  `--volume=${project.folder}:/project:ro`,
  `--volume=${join(project.folder, "results")}:/results`,
  "--env",
  `SHOP_PASSWORD=${users.reader.password}`
]

describe("the image", () => {
  it("is the command, as a user without rights", () => {
    expect(docker("run", "--rm", ...locked(), image.tag, "--version").stdout).toMatch(/^assay v\d+\.\d+\.\d+\n$/)
    const [config] = JSON.parse(docker("image", "inspect", image.tag).stdout) as ReadonlyArray<
      { readonly Config: { readonly User: string } }
    >
    expect(config?.Config.User).toBe("1000:1000")
  })

  it("recomputes a project that is mounted, and serves the results until it is asked to stop", async () => {
    const computed = docker("run", "--rm", ...locked(), image.tag, "recompute", "--all", "--json")
    expect(computed.stderr + computed.stdout).not.toContain(users.reader.password)
    expect(computed).toMatchObject({ code: 0 })
    const { results } = JSON.parse(computed.stdout) as {
      readonly results: ReadonlyArray<{ readonly experiment: string; readonly variants: ReadonlyArray<{ n: number }> }>
    }
    expect(results.map(({ variants }) => variants.map(({ n }) => n))).toEqual([
      [identities / 2, identities / 2],
      [identities / 2, identities / 2]
    ])

    const id = docker("run", "--detach", ...locked(), image.tag, "serve", "--port", "0").stdout.trim()
    const until = Date.now() + 60_000
    let url: string | undefined
    while (url === undefined && Date.now() < until) {
      url = /on (http:\S+)\/ /.exec(docker("logs", id).stderr)?.[1]
      await new Promise((done) => setTimeout(done, 200))
    }
    if (url === undefined) expect.fail(docker("logs", id).stderr)
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
    expect((await fetch(`${url}/readyz`)).status).toBe(200)
    expect(await (await fetch(`${url}/experiments/alpha`)).text()).toContain("Scorecard")
    docker("stop", id)
    expect(docker("inspect", "--format", "{{.State.ExitCode}}", id).stdout.trim()).toBe("0")
    docker("rm", "--force", id)
  })
})
