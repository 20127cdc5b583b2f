/** `assay new aggregation`: what it writes runs, and it writes all or nothing. */
import { Effect, Option } from "effect"
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { writeFiles } from "../src/writeFiles.ts"
import { assay, filesIn, folder, write } from "./assay.ts"

describe("new aggregation", () => {
  it("writes a package whose example runs as it is", async () => {
    const root = folder()
    const made = await assay(["new", "aggregation", "big-spender"], { cwd: root })
    expect(made).toMatchObject({ code: 0, stderr: "" })
    expect(made.stdout).toContain("  cd big-spender\n  npm install\n  npm test\n  npm run example\n")
    for (const file of Object.keys(filesIn(root))) expect(made.stdout).toContain(`\n  ${file}\n`)
    const ran = await assay(["recompute", "--all", "--config", "example"], { cwd: join(root, "big-spender") })
    expect(ran).toMatchObject({ code: 0 })
    expect(ran.stdout).toMatch(/big_spender {2}big-spender, up is good\n {2}grey +40\.0.*\n {2}green +50\.0/)
  })

  it("takes an empty folder, also one with a repository in it", async () => {
    const root = folder()
    mkdirSync(join(root, ".git"))
    const made = await assay(["new", "aggregation", "big-spender", "--folder", "."], { cwd: root })
    expect(made).toMatchObject({ code: 0 })
    expect(made.stdout).not.toContain("cd ")
    expect(filesIn(root)).toHaveProperty(["package.json"])
  })

  it("leaves a folder alone that has something in it", async () => {
    const root = write(folder(), { "big-spender/notes.txt": "mine" })
    const refused = await assay(["new", "aggregation", "big-spender"], { cwd: root })
    expect(refused).toMatchObject({ code: 2, stdout: "" })
    expect(refused.stderr).toBe(
      "error: big-spender isn't empty; nothing was written\n  Choose another folder with --folder <folder>\n"
    )
    expect(filesIn(root)).toEqual({ "big-spender/notes.txt": "mine" })
  })

  it.each([
    ["Big Spender", /can't be called "Big Spender"\n {2}A name is 1 to 50 lower-case letters and digits/],
    ["../elsewhere", /can't be called "\.\.\/elsewhere"/],
    ["retention", /There is a standard aggregation called "retention"\n {2}Choose another name/]
  ])("refuses the name %j", async (name, why) => {
    const root = folder()
    const refused = await assay(["new", "aggregation", name], { cwd: root })
    expect(refused).toMatchObject({ code: 2, stdout: "" })
    expect(refused.stderr).toMatch(why)
    expect(filesIn(root)).toEqual({})
  })
})

describe("files that can't all be written", () => {
  it("leave nothing behind", async () => {
    const root = write(folder(), { "kept.txt": "mine" })
    const failed = await Effect.runPromise(Effect.flip(
      writeFiles(root, { "new/deep/one.txt": "1", "two.txt": "2", "two.txt/three.txt": "3" }, "--folder <folder>")
    ))
    expect(failed.message).toMatch(/^The files can't be written: E\w+: .*two\.txt/)
    expect(filesIn(root)).toEqual({ "kept.txt": "mine" })
    expect(await Effect.runPromise(Effect.option(writeFiles(root, { "kept.txt": "new" }, "")))).toEqual(Option.none())
    expect(filesIn(root)).toEqual({ "kept.txt": "mine" })
  })
})
