/** On a terminal there are colours and a line that tells how far the run is; `script` makes one. */
import { describe, expect, it } from "vitest"
import { assayLine, execute, project } from "./assay.ts"

const bold = "\u001b[1m"
const green = "\u001b[32m"
const cleared = "\r\u001b[2K"

const onTerminal = (words: string, env: Readonly<Record<string, string>> = {}) =>
  execute("script", ["-qec", `stty cols 100 && ${assayLine(words)}`, "/dev/null"], {
    cwd: project(),
    env: { TERM: "xterm-256color", ...env }
  })

describe("on a terminal", () => {
  it("the scorecard has colours, and progress is one line that is drawn again and cleared", async () => {
    const { code, stdout } = await onTerminal("recompute --all")
    expect(code).toBe(0)
    expect(stdout).toContain(bold)
    expect(stdout).toContain(green)
    expect(stdout).toContain(`${cleared}0/1  checkout`)
    expect(stdout).toMatch(/checkout: [\d,]+ rows read in/)
    expect(stdout).toContain("SHIP green")
  })

  it("there is no colour where NO_COLOR asks for none", async () => {
    const { code, stdout } = await onTerminal("recompute --all", { NO_COLOR: "1" })
    expect(code).toBe(0)
    expect(stdout).not.toContain(bold)
    expect(stdout).not.toContain(green)
    expect(stdout).toContain("SHIP green")
  })
})
