/** What the file system and SQLite say, in a sentence with a hint. */
import { StoreError } from "@assay/model"

const hints: Readonly<Record<string, string>> = {
  EACCES: "Give this user the right to read and write there, or choose another directory.",
  EPERM: "Give this user the right to read and write there, or choose another directory.",
  EROFS: "The file system is read-only; choose a directory on one that can be written.",
  ENOSPC: "The disk is full; free some space. Snapshots that were there before are untouched.",
  EDQUOT: "The disk quota is used up; free some space. Snapshots that were there before are untouched.",
  EFBIG:
    "The file is larger than this user may write; raise the limit. Snapshots that were there before are untouched.",
  ENOTDIR: "A file stands where a directory is expected; move it away, or choose another directory.",
  EEXIST: "A file stands where a directory is expected; move it away, or choose another directory.",
  EISDIR: "A directory stands where a file is expected; move it away.",
  ENAMETOOLONG: "Choose a directory with a shorter path.",
  EMFILE: "Too many files are open; raise the limit (ulimit -n).",
  ENOENT: "The directory vanished in between; check that nothing else removes it, and try again."
}

/** By SQLite's primary result code. */
const sqliteHints: Readonly<Record<number, string>> = {
  5: "Another process keeps writing to it: wait for that one to end, or stop it.",
  8: "Give this user the right to write this file and its directory, or choose another place.",
  11: "The file is damaged: bring it back from a backup, or choose another place.",
  13: "The disk is full; free some space. What was there before is untouched.",
  14: "Give this user the right to read and write there, or choose another place.",
  26: "Another kind of file stands there: move it away, or choose another place."
}

/** What SQLite says, and the hint for it; undefined for what others throw. */
const ofSqlite = (cause: unknown): { readonly said: string; readonly hint: string | undefined } | undefined =>
  cause instanceof Error && "errcode" in cause && typeof cause.errcode === "number"
    // Bits beyond the first eight tell more of the same, such as which kind of IO failed.
    ? { said: cause.message, hint: sqliteHints[cause.errcode % 256] }
    : undefined

const codeOf = (cause: unknown): string =>
  typeof cause === "object" && cause !== null && "code" in cause && typeof cause.code === "string"
    ? cause.code
    : cause instanceof Error
    ? cause.message
    : String(cause)

/**
 * The error of a call to the file system or to SQLite. `doing` completes "Could not …", for example `write the snapshot r1`; `path` is the file
 * or directory; `cause` is what the call threw.
 */
export const storeError = (doing: string, path: string, cause: unknown): StoreError => {
  const sqlite = ofSqlite(cause)
  const code = sqlite?.said ?? codeOf(cause)
  return new StoreError({
    message: `Could not ${doing} at ${path}: ${code}.`,
    hint: sqlite?.hint ?? hints[code] ?? "Check the directory and its disk, then try again."
  })
}
