/** A snapshot: the results of one run, and the statement that produced them. */
import { Instant, ResultsSummary, StoreError } from "@assay/model"
import { Effect, Schema } from "effect"

/** Ids become part of a file's name: letters, digits, `_` and `-`, 1 to 100 of them, the first a letter or a digit. */
export const SnapshotId = Schema.String.pipe(
  Schema.check(
    Schema.isPattern(/^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/, {
      expected: "an id of 1 to 100 letters, digits, _ and -, the first a letter or a digit"
    })
  )
)

/** The statement as it was sent. Parameters are what JSON can hold, so that a reader finds what a writer put there. */
const StoredStatement = Schema.Struct({
  text: Schema.String,
  parameters: Schema.Record(Schema.String, Schema.Unknown).pipe(
    Schema.check(
      Schema.makeFilter((parameters) => Object.values(parameters).every(Schema.is(Schema.Json)), {
        expected: "parameters that JSON can hold"
      })
    )
  ),
  settings: Schema.Record(Schema.String, Schema.Union([Schema.String, Schema.Finite]))
})

/**
 * What a run leaves behind: `id` of the run, `experiment`'s key, the instant `as_of` which the numbers describe, the
 * summary, and the statement.
 */
export const Snapshot = Schema.Struct({
  id: SnapshotId,
  experiment: Schema.String,
  as_of: Instant.Instant,
  summary: ResultsSummary,
  statement: StoredStatement
}).pipe(
  Schema.check(
    Schema.makeFilter((snapshot) => snapshot.summary.experiment === snapshot.experiment, {
      expected: "a summary of the same experiment as the snapshot's"
    })
  )
)
export interface Snapshot extends Schema.Schema.Type<typeof Snapshot> {}

/** The snapshot as JSON can hold it. Fails for one that couldn't be read again. */
export const encode = (snapshot: Snapshot): Effect.Effect<typeof Snapshot.Encoded, StoreError> =>
  Schema.encodeEffect(Snapshot)(snapshot).pipe(
    Effect.mapError((error) =>
      new StoreError({
        message: `The snapshot ${JSON.stringify(snapshot.id)} is not well-formed: ${String(error)}`,
        hint: "Nothing was written. Whatever made this snapshot made a mistake; please report it."
      })
    )
  )
