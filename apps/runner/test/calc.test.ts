/** `assay calc`: the kernel behind JSON lines. */
import { spawn } from "node:child_process"
import { PassThrough } from "node:stream"
import { text } from "node:stream/consumers"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"
import { answerLine, answerLines, calcExamples } from "../src/commands/calc.ts"
import { assay } from "./assay.ts"

const main = fileURLToPath(new URL("../dist/main.js", import.meta.url))

/** What the command prints for this input, and its exit code. */
const command = (input: string): Promise<{ readonly code: number | null; readonly lines: ReadonlyArray<unknown> }> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [main, "calc"], { stdio: ["pipe", "pipe", "inherit"] })
    let out = ""
    child.stdout.setEncoding("utf8").on("data", (piece: string) => {
      out += piece
    })
    child.on("error", reject)
    child.on(
      "close",
      (code) => resolve({ code, lines: out.trimEnd().split("\n").map((line): unknown => JSON.parse(line)) })
    )
    child.stdin.end(input)
  })

describe("assay calc", () => {
  it("answers each line in order, a bad one with its error, and goes on", async () => {
    const compare =
      `{"op":"compare","engine":"frequentist","contrast":"relative","confidence":0.95,"alternative":"two-sided",` +
      `"control":{"n":1000,"sum":100,"sum_squares":100},"treatment":{"n":1000,"sum":120,"sum_squares":120}}`
    const { code, lines } = await command(
      `${compare}\nnot json\n\n{"op":"adjust","method":"holm","p_values":[0.01,0.04,0.03]}\n{"op":"nothing"}\n` +
        `{"op":"srm","observed":[821588,815482],"expected":[1,1],"method":"chi2"}`
    )
    expect(code).toBe(0)
    expect(lines).toHaveLength(5)
    expect(lines[0]).toMatchObject({
      status: "ok",
      lift: expect.closeTo(0.2, 12),
      difference: expect.closeTo(0.02, 12),
      degrees_of_freedom: expect.closeTo(1985.3714563542524, 6),
      p_value: expect.closeTo(0.15307069563458264, 10)
    })
    expect(lines[1]).toMatchObject({ error: expect.stringContaining("isn't JSON") })
    expect(lines[2]).toMatchObject({ p_values: [0.03, 0.06, 0.06] })
    expect(lines[3]).toMatchObject({ error: expect.stringContaining("\"op\" must be one of compare") })
    expect(lines[4]).toMatchObject({ status: "ok", degrees_of_freedom: 1 })
  })

  it("documents itself: the help shows every example, and each of them works", async () => {
    const { code, stdout } = await assay(["calc", "--help"])
    expect(code).toBe(0)
    for (const { request, shows } of calcExamples) {
      expect(stdout).toContain(shows)
      expect(stdout).toContain(request)
      expect(JSON.parse(answerLine(request))).toMatchObject({ status: "ok" })
    }
  })

  it("keeps pace with what reads it, and ends with its input", async () => {
    const [input, output] = [new PassThrough(), new PassThrough({ highWaterMark: 100 })]
    const written = text(output)
    const done = answerLines(input, output).then(() => output.end())
    for (let i = 0; i < 1000; i++) input.write(`{"op":"adjust","method":"bonferroni","p_values":[${i / 1000}]}\r\n`)
    input.end()
    await done
    const lines = (await written).trimEnd().split("\n").map((line) =>
      (JSON.parse(line) as { p_values: [number] }).p_values[0]
    )
    expect(lines).toEqual(Array.from({ length: 1000 }, (_, i) => i / 1000))
  })
})
