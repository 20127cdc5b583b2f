/** Where the events are: tables and what their columns mean. */
import { Schema } from "effect"

const Column = Schema.NonEmptyString

/**
 * What makes two rows the same event, since delivery is at least once. `row`: same identity, event, timestamp and value,
 * and the columns named in `columns` where there are any; `id`: same text in the mapped `event_id` column; `none`: every
 * row counts.
 */
export const Deduplication = Schema.Struct({
  policy: Schema.Literals(["row", "id", "none"]),
  columns: Schema.optionalKey(Schema.Array(Column))
})
export interface Deduplication extends Schema.Schema.Type<typeof Deduplication> {}

/** A table of exposures apart from the events: one row per exposure, with the variant in a column of its own. */
export const ExposureTable = Schema.Struct({
  database: Schema.optionalKey(Schema.NonEmptyString),
  table: Schema.NonEmptyString,
  columns: Schema.Struct({
    environment: Schema.optionalKey(Column),
    feature: Column,
    variant: Column,
    timestamp: Column,
    ingested: Schema.optionalKey(Column)
  }),
  identities: Schema.Record(Schema.String, Column)
})
export interface ExposureTable extends Schema.Schema.Type<typeof ExposureTable> {}

/**
 * A ClickHouse cluster whose shards hold the tables. `identity` names the identity that events and exposures are sharded
 * by, so that everything about one identity lies on one shard; it is left out where they are sharded by anything else.
 */
export const ClusterMapping = Schema.Struct({
  name: Schema.NonEmptyString,
  identity: Schema.optionalKey(Schema.NonEmptyString)
})
export interface ClusterMapping extends Schema.Schema.Type<typeof ClusterMapping> {}

/**
 * The event table. `identities` maps names of identities (the units an experiment can have) to columns; the first is the
 * default. `json` maps names to columns that hold JSON text, so that `name.path.to.field` is a property; `properties` maps
 * names to plain columns. `exposure_event` is the event that is an exposure, where no `exposures` table is given.
 * With `cluster`, tables are those on its shards, and `database` must be given.
 */
export const EventMapping = Schema.Struct({
  cluster: Schema.optionalKey(ClusterMapping),
  database: Schema.optionalKey(Schema.NonEmptyString),
  table: Schema.NonEmptyString,
  columns: Schema.Struct({
    environment: Schema.optionalKey(Column),
    event: Column,
    feature: Column,
    timestamp: Column,
    value: Column,
    event_id: Schema.optionalKey(Column),
    ingested: Schema.optionalKey(Column)
  }),
  identities: Schema.Record(Schema.String, Column),
  json: Schema.Record(Schema.String, Column),
  properties: Schema.Record(Schema.String, Column),
  exposure_event: Schema.NonEmptyString,
  exposures: Schema.optionalKey(ExposureTable),
  deduplication: Deduplication
})
export interface EventMapping extends Schema.Schema.Type<typeof EventMapping> {}

/** The event table of the original system, which is what a mapping starts from. */
export const defaultEventMapping: EventMapping = {
  table: "events",
  columns: {
    environment: "environment_key",
    event: "event",
    feature: "feature_name",
    timestamp: "timestamp",
    value: "value"
  },
  identities: { identifier: "identifier" },
  json: { traits: "traits", metadata: "metadata" },
  properties: {},
  exposure_event: "$flag_exposure",
  deduplication: { policy: "row" }
}
