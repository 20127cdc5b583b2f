import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, it } from "vitest"

it("prints what its README shows", () => {
  const [, shown] =
    /^```text\n([\s\S]*?)^```$/m.exec(readFileSync(join(import.meta.dirname, "../README.md"), "utf8")) ?? []
  const printed = execFileSync(
    process.execPath,
    ["--conditions=@assay/source", join(import.meta.dirname, "../src/index.ts")],
    { encoding: "utf8" }
  )
  expect(printed.trim()).toBe(shown?.trim())
})
