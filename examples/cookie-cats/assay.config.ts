import { defineConfig } from "@assay/runner"
import { statSync } from "node:fs"
import { resolve } from "node:path"

/** The path of the data set: a CSV file, plain or compressed. ClickHouse reads it; nothing else does. */
const dataSet = (): string => {
  const given = process.env["ASSAY_DATA"] ?? ""
  const path = resolve(given)
  if (given !== "" && statSync(path, { throwIfNoEntry: false })?.isFile() === true) return path
  const found = given === "" ? "ASSAY_DATA is not set." : `ASSAY_DATA names ${path}, which is not a file.`
  throw new Error(`${found} Set it to the path of the Cookie Cats data set, such as ASSAY_DATA=./cookie_cats.csv.gz`)
}

// Players install the game in the week from 2 March 2026, and the data set tells of the two weeks after that. It has no
// times, so these are made up: the installation's from the player's id, the others relative to it.
export default defineConfig({
  setup: () => [
    {
      text: `
        CREATE TABLE events (
          environment_key LowCardinality(String),
          event LowCardinality(String),
          feature_name LowCardinality(String),
          identifier String,
          timestamp DateTime64(3, 'UTC'),
          value String,
          traits String,
          metadata String,
          collected_at DateTime64(3, 'UTC')
        )
        ENGINE = MergeTree
        PARTITION BY toDate(timestamp)
        ORDER BY (environment_key, event, timestamp)`
    },
    {
      text: `
        INSERT INTO events
        WITH
          toDateTime64('2026-03-02', 3, 'UTC') + toIntervalMillisecond(cityHash64(userid) % (7 * 86400000)) AS installed
        SELECT
          'production',
          happened.1 AS event,
          if(event = '$flag_exposure', 'gate', ''),
          userid,
          installed + happened.2 AS timestamp,
          happened.3 AS value,
          '{}',
          '{}',
          timestamp
        FROM file({path:String}, 'CSVWithNames')
        ARRAY JOIN arrayFilter(row -> row.4, [
          ('$flag_exposure', toIntervalDay(0), version, true),
          ('return_1', toIntervalDay(1), '', upper(retention_1) = 'TRUE'),
          ('return_7', toIntervalDay(7), '', upper(retention_7) = 'TRUE'),
          ('rounds', toIntervalDay(14), sum_gamerounds, true)
        ]) AS happened
        SETTINGS input_format_csv_use_best_effort_in_schema_inference = 0`,
      parameters: { path: dataSet() }
    }
  ]
})
