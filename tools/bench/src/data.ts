/** Deterministic events, made inside ClickHouse. */
import { type Statement } from "@assay/model"
import { Warehouse } from "@assay/warehouse"
import { Effect } from "effect"

/** How much: exposed identities, metric events, event names. */
export interface Size {
  readonly identities: number
  readonly events: number
  readonly metrics: number
  /** In how many of the days identities are exposed; 10 where it is absent. */
  readonly exposedDays?: number
  /** The part of the metric events that is there a second time; events then have an id of their own, `event_id`. */
  readonly repeated?: number
  /** Without traits and metadata, which few statements read. */
  readonly narrow?: boolean
  /** The part of the identities that is made: those whose hash leaves `index` when divided by `of`. All where it is absent. */
  readonly shard?: { readonly index: number; readonly of: number }
}

/** Start of the experiment and its length in days. */
export const start = "2026-01-01"
export const days = 14

const plain = (text: string, parameters: Statement["parameters"] = {}): Statement => ({
  text,
  parameters,
  settings: {}
})

const traits = `concat('{', arrayStringConcat(
        arrayMap(i -> concat('"d', toString(i), '":"v', toString(cityHash64(number, i) % 10), '"'), range(5)), ','
      ), '}')`

/** Waits until nothing has been merged in the background for a second: that would be counted with whatever is measured. */
const settled = Effect.gen(function*() {
  const { query } = yield* Warehouse
  const merging = plain("SELECT count() AS merging FROM system.merges")
  for (let calm = 0; calm < 5; calm++) {
    if (calm > 0) yield* Effect.sleep("250 millis")
    if (Number((yield* query(merging)).rows[0]!["merging"]) > 0) calm = -1
  }
})

/**
 * Fills the table `events`: every identity is exposed once in the first days (ten of them), to one of two variants; events of
 * `metrics` names (`m0`, `m1`, …) with a value as text are spread over identities and all days, so about a third comes
 * before its identity's exposure. Exposures have five traits, `d0` to `d4`, of ten values each.
 */
export const makeEvents = Effect.fn("bench.makeEvents")(function*(
  { events, exposedDays = 10, identities, metrics, narrow, repeated, shard }: Size
) {
  const { command } = yield* Warehouse
  const own = { index: shard?.index ?? 0, of: shard?.of ?? 1 }
  yield* command(plain("DROP TABLE IF EXISTS events"))
  yield* command(plain(`CREATE TABLE events (
    environment_key LowCardinality(String), event LowCardinality(String), feature_name LowCardinality(String),
    identifier String, timestamp DateTime64(3, 'UTC'), value String, traits String, metadata String,
    collected_at DateTime64(3, 'UTC')${
    repeated === undefined ? "" : ", event_id String MATERIALIZED hex(sipHash128(identifier, event, timestamp, value))"
  },
    INDEX ingested collected_at TYPE minmax
  ) ENGINE = MergeTree PARTITION BY toDate(timestamp) ORDER BY (environment_key, event, timestamp)`))
  yield* command(plain(
    `INSERT INTO events SELECT 'prod', '$flag_exposure', 'feature', concat('user-', toString(number)),
      toDateTime64('${start}', 3, 'UTC') + toIntervalMillisecond(cityHash64(number) % {exposed:UInt64}) AS at,
      if(cityHash64(number, 'arm') % 2 = 0, 'control', 'treatment'),
      ${narrow === true ? "'{}'" : traits}, '{}', at
    FROM numbers({n:UInt64})
    WHERE cityHash64(concat('user-', toString(number))) % {of:UInt64} = {index:UInt64}`,
    { n: identities, exposed: Math.round(exposedDays * 86_400_000), ...own }
  ))
  yield* command(plain(
    `INSERT INTO events SELECT 'prod', concat('m', toString(number % {metrics:UInt64})), '',
      concat('user-', toString(cityHash64(number, 'who') % {identities:UInt64})) AS identifier,
      toDateTime64('${start}', 3, 'UTC') + toIntervalMillisecond(cityHash64(number, 'when') % (${days} * 86400000)) AS at,
      toString(cityHash64(number, 'value') % 10000 / 100), '', '{}', at
    FROM numbers({n:UInt64})
    WHERE cityHash64(identifier) % {of:UInt64} = {index:UInt64}`,
    { n: events, identities, metrics, ...own }
  ))
  if (repeated !== undefined) {
    yield* command(plain(
      `INSERT INTO events SELECT * FROM events
      WHERE event != '$flag_exposure' AND cityHash64(identifier, timestamp, 'again') % 1000 < {share:UInt64}`,
      { share: Math.round(1000 * repeated) }
    ))
  }
  yield* settled
})
