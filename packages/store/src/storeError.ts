/** What the file system says, in a sentence with a hint. */
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

const codeOf = (cause: unknown): string =>
  typeof cause === "object" && cause !== null && "code" in cause && typeof cause.code === "string"
    ? cause.code
    : cause instanceof Error
    ? cause.message
    : String(cause)

/**
 * The error of a file-system call. `doing` completes "Could not …", for example `write the snapshot r1`; `path` is the file
 * or directory; `cause` is what the call threw.
 */
export const storeError = (doing: string, path: string, cause: unknown): StoreError => {
  const code = codeOf(cause)
  return new StoreError({
    message: `Could not ${doing} at ${path}: ${code}.`,
    hint: hints[code] ?? "Check the directory and its disk, then try again."
  })
}
