/** `assay advise` as a person reads it: on a table whose order serves, and on one whose order doesn't. */
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { assay, folder } from "./assay.ts"

const root = folder()
const here = { cwd: root }

describe("assay advise", () => {
  it("says that nothing helps, and why; then what does, with its DDL", async () => {
    await assay(["init"], here)
    const served = await assay(["advise"], here)
    expect([served.code, served.stdout]).toEqual([
      0,
      expect.stringMatching(
        /^Experiments {2}checkout_button\n\n`default`\.`events` {2}MergeTree, ordered by .*\n {2}About [\d,]+ rows are read, of which about [\d,]+ are needed\.\n {2}Nothing is advised:\n {2}- of .*: its order \(.*\) serves them\n$/
      )
    ])
    const file = join(root, "assay.config.ts")
    writeFileSync(
      file,
      readFileSync(file, "utf8").replace(
        "ORDER BY (environment_key, event, timestamp)",
        "ORDER BY identifier SETTINGS index_granularity = 128"
      ).replace(
        /\n {2}\]\n\}\)/,
        `,
    {
      text: \`INSERT INTO events SELECT 'production', 'view', '', identifier, timestamp, '', '{}', '{}' FROM events ARRAY JOIN range(3) AS i\`
    }
  ]
})`
      )
    )
    const advised = await assay(["advise", "checkout_button"], here)
    expect(advised.stderr).toBe("Looking at the tables, and trying what might help on copies of a part of them…\n")
    expect(advised.stdout).toMatch(/^ {2}A projection of \d columns, ordered by environment_key, event, timestamp$/m)
    expect(advised.stdout).toMatch(/^ {5}rows read {3}[\d,]+ → [\d,]+ \([\d.]+ times less\)$/m)
    expect(advised.stdout).toMatch(/^ {5}on disk {5}about .* more \(\d+ % of the table\)$/m)
    expect(advised.stdout).toMatch(/^ALTER TABLE `default`\.`events` ADD PROJECTION `assay_by_event` \($/m)
    expect(advised.stdout).toMatch(/^ALTER TABLE `default`\.`events` MATERIALIZE PROJECTION `assay_by_event`;$/m)
    const explained = await assay(["explain", "checkout_button"], here)
    expect(explained.stdout).toMatch(/^Needed {6}about [\d,]+ of these [\d,]+ rows of default\.events: /m)
  })
})
