/** Writing files that a command makes. */
import { Effect } from "effect"
import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { UsageError } from "./Failed.ts"

/**
 * Writes files, by their paths in a folder, none over one that exists. Where one can't be written, those before it are removed
 * again. `choose` says how to name another folder.
 */
export const writeFiles = (
  folder: string,
  files: Readonly<Record<string, string>>,
  choose: string
): Effect.Effect<void, UsageError> =>
  Effect.try({
    try: () => {
      const made: Array<string> = []
      try {
        for (const [file, text] of Object.entries(files)) {
          const path = join(folder, file)
          const first = mkdirSync(dirname(path), { recursive: true })
          if (first !== undefined) made.push(first)
          writeFileSync(path, text, { flag: "wx" })
          made.push(path)
        }
      } catch (error) {
        for (const path of made.toReversed()) rmSync(path, { recursive: true, force: true })
        throw error
      }
    },
    catch: (error) =>
      new UsageError({
        message: `The files can't be written: ${error instanceof Error ? error.message : String(error)}`,
        hint: `Choose a folder that you may write to: ${choose}`
      })
  })
