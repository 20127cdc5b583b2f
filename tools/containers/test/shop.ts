/** The events that tests read: two experiments of a shop, and tables that are hard to read. */
import type { Server } from "../src/index.ts"

/** The window of both experiments, UTC. */
export const window = { from: "2026-03-01T00:00:00Z", to: "2026-03-15T00:00:00Z" } as const

/** Identities of each experiment; every second one is in `control`, and every third one purchases. */
export const identities = 600

/** Identities of `alpha` in `control` that the crowd has beside them. */
export const crowd = 1_500_000

const columns = `
  environment_key LowCardinality(String), event LowCardinality(String), feature_name LowCardinality(String),
  identifier String, timestamp DateTime64(3, 'UTC'), value String, traits String, metadata String,
  collected_at DateTime64(3, 'UTC')`

/** Statements that make and fill the tables. */
export const statements: ReadonlyArray<string> = [
  "CREATE DATABASE shop",
  `CREATE TABLE shop.events (${columns}) ENGINE = MergeTree PARTITION BY toDate(timestamp) ORDER BY (event, timestamp)`,
  `INSERT INTO shop.events
   SELECT 'production', '$flag_exposure', feature, toString(number), toDateTime64('2026-03-02 00:00:00', 3, 'UTC') AS timestamp,
     if(number % 2 = 0, 'control', 'treatment'), '{}', '{}', timestamp
   FROM numbers(${identities}) ARRAY JOIN ['alpha', 'beta'] AS feature`,
  `INSERT INTO shop.events
   SELECT 'production', 'purchase', '', toString(number), toDateTime64('2026-03-03 00:00:00', 3, 'UTC') AS timestamp,
     toString(number % 7), '{}', '{}', timestamp
   FROM numbers(${identities}) WHERE number % 3 = 0`,
  // The same events among so many others that a query is still at it when something happens to it.
  `CREATE VIEW shop.endless AS SELECT * FROM shop.events UNION ALL
   SELECT 'nowhere', 'purchase', '', toString(number), toDateTime64('2026-03-03 00:00:00', 3, 'UTC') + number % 1000 AS timestamp,
     '', '', '', timestamp FROM numbers(1000000000000) WHERE sipHash64(number) % 1000 = 0`,
  "CREATE VIEW shop.forever AS SELECT * FROM shop.endless",
  // So many identities that no small memory holds them.
  `CREATE VIEW shop.crowd AS SELECT * FROM shop.events UNION ALL
   SELECT 'production', '$flag_exposure', 'alpha', concat('someone ', toString(number)),
     toDateTime64('2026-03-02 00:00:00', 3, 'UTC') AS timestamp, 'control', '', '', timestamp FROM numbers(${crowd})`
]

/** Makes and fills the tables on a server. */
export const load = async (server: Server): Promise<void> => {
  for (const statement of statements) await server.ask(statement)
}
