/** Names of directories and files: safe for any key, and in the order of time. */
import { Instant } from "@assay/model"
import { createHash } from "node:crypto"

const slugLength = 40
const hashLength = 16

/**
 * The directory of an experiment: a readable slug (`a-z`, `0-9`, `-`, at most 40) and 64 bits of the key's SHA-256. Keys
 * that differ, be it in case alone, get different names, also on a file system that ignores case.
 */
export const directory = (experiment: string): string => {
  const slug = experiment
    .normalize("NFKD")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, slugLength)
    .replace(/^-+|-+$/g, "")
  // As JSON, because UTF-8 would write every lone surrogate as the same character.
  const hash = createHash("sha256").update(JSON.stringify(experiment)).digest("hex").slice(0, hashLength)
  return slug === "" ? hash : `${slug}-${hash}`
}

/** The order of snapshots as text: `as_of` in UTC to the millisecond, `20260115T093000000Z`, always 19 characters. */
const compact = (asOf: string): string => Instant.fromMillis(Instant.toMillis(asOf)).replace(/[-:.]/g, "")

/** The name of a snapshot's file. The names of an experiment sort by `as_of`, then by id. */
export const file = (asOf: string, id: string): string => `${compact(asOf)}-${id}.json`

/** The name of the file that a snapshot is written to before it is complete. There is one per id, so it also claims the id. */
export const temporary = (id: string): string => `.${id}.tmp`

const pattern = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})(\d{3})Z-([A-Za-z0-9][A-Za-z0-9_-]{0,99})\.json$/

/** The id and `as_of` in the name of a snapshot's file; undefined for any other file. */
export const parse = (name: string): { readonly id: string; readonly as_of: string } | undefined => {
  const [, year, month, day, hours, minutes, seconds, millis, id] = pattern.exec(name) ?? []
  return id === undefined
    ? undefined
    : { id, as_of: `${year}-${month}-${day}T${hours}:${minutes}:${seconds}.${millis}Z` }
}

/** Newest first: by `as_of`, then by id, both as they stand in the names. */
export const newestFirst = (a: string, b: string): number => (a < b ? 1 : a > b ? -1 : 0)
