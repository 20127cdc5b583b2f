import { defineConfig } from "@assay/runner"
import { statSync } from "node:fs"
import { resolve } from "node:path"

/** The path of the data set: a CSV file, plain or compressed. ClickHouse reads it; nothing else does. */
const dataSet = (): string => {
  const given = process.env["ASSAY_DATA"] ?? ""
  const path = resolve(given)
  if (given !== "" && statSync(path, { throwIfNoEntry: false })?.isFile() === true) return path
  const found = given === "" ? "ASSAY_DATA is not set." : `ASSAY_DATA names ${path}, which is not a file.`
  throw new Error(`${found} Set it to the path of the Hillstrom data set, such as ASSAY_DATA=./hillstrom.csv.gz`)
}

// The e-mails go out in the two hours from 8:00 on 6 April 2026, and the data set tells of the two weeks after that. It has
// no ids and no times: a customer's id is the number of its row, and the times are made up from that id.
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
      // A visit comes up to 13 days after the e-mail, a purchase within 20 minutes of the visit. Without the setting, the
      // columns would get types; as text, an amount reaches the table as it stands in the file.
      text: `
        INSERT INTO events
        WITH
          concat('customer-', toString(_row_number)) AS customer,
          toDateTime64('2026-04-06 08:00:00', 3, 'UTC') + toIntervalSecond(cityHash64('sent', customer) % 7200) AS sent,
          cityHash64('visit', customer) % (13 * 86400) AS visit_after,
          visit_after + 60 + cityHash64('purchase', customer) % 1140 AS purchase_after
        SELECT
          'production',
          happened.1 AS event,
          if(event = '$flag_exposure', 'e-mail', ''),
          customer,
          sent + toIntervalSecond(happened.2) AS timestamp,
          happened.3 AS value,
          if(event = '$flag_exposure', concat('{"history":', history, '}'), '{}'),
          '{}',
          timestamp
        FROM file({path:String}, 'CSVWithNames')
        ARRAY JOIN arrayFilter(row -> row.4, [
          ('$flag_exposure', 0, transform(segment,
            ['No E-Mail', 'Mens E-Mail', 'Womens E-Mail'], ['control', 'mens', 'womens'], segment), true),
          ('visit', visit_after, '', visit = '1'),
          ('purchase', purchase_after, spend, conversion = '1')
        ]) AS happened
        SETTINGS input_format_csv_use_best_effort_in_schema_inference = 0`,
      parameters: { path: dataSet() }
    }
  ]
})
