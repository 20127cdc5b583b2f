/** The command as it starts in a checkout of the repository. */
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { endless, execute, project, repository, snapshots } from "./assay.ts"

const bin = join(repository, "apps/runner/bin/assay.js")

describe("bin/assay.js", () => {
  it("runs from the sources, on a project outside any node_modules that imports @assay/runner", async () => {
    const cwd = project()
    const outcome = await execute(process.execPath, [bin, "recompute", "--all", "--json"], { cwd })
    expect(outcome).toMatchObject({ code: 0 })
    expect(JSON.parse(outcome.stdout)).toMatchObject({ failed: [], results: [{ experiment: "checkout" }] })
    expect(snapshots(cwd)).toHaveLength(1)
  })

  it("passes the exit code on", async () => {
    const outcome = await execute(process.execPath, [bin, "recompute"], { cwd: project() })
    expect(outcome).toMatchObject({ code: 2, stdout: "" })
  })

  it("passes Ctrl-C on, also where only it gets the signal", async () => {
    const cwd = endless()
    let sent = false
    const outcome = await execute(process.execPath, [bin, "recompute", "--all"], {
      cwd,
      watch: ({ kill, stderr }) => {
        if (sent || !stderr.includes("loaded")) return
        sent = true
        setTimeout(() => kill("SIGINT"), 1000)
      }
    })
    expect(outcome).toMatchObject({ code: 130, stdout: "" })
    expect(snapshots(cwd)).toEqual([])
  })
})
