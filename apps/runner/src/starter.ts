/** The starter project that `assay init` writes: small, commented, and it runs as it is. */

/** Files by their path in the project. */
export const starterFiles: Readonly<Record<string, string>> = {
  "assay.config.ts": `import { defineConfig } from "@assay/runner"

// Everything here is optional. \`assay doctor\` checks that it fits your ClickHouse.
export default defineConfig({
  // Your ClickHouse server. Without it, ClickHouse runs embedded in the command itself.
  // warehouse: {
  //   url: "https://clickhouse.example.com:8443",
  //   username: "assay",
  //   password: { env: "CLICKHOUSE_PASSWORD" },
  //   database: "analytics",
  //   limits: { seconds: 300, memory_bytes: 8_000_000_000 }
  // },

  // Where the events are. These are the defaults: map your own names.
  // events: {
  //   table: "events",
  //   columns: {
  //     environment: "environment_key", event: "event", feature: "feature_name",
  //     timestamp: "timestamp", value: "value"
  //   },
  //   identities: { user: "identifier" },
  //   json: { traits: "traits", metadata: "metadata" },
  //   deduplication: { policy: "row" }
  // },

  // Made-up events for a first look, in the embedded ClickHouse. Delete \`setup\` when you set \`warehouse\`.
  setup: [
    {
      text: \`CREATE TABLE events (
        environment_key LowCardinality(String), event LowCardinality(String), feature_name LowCardinality(String),
        identifier String, timestamp DateTime64(3, 'UTC'), value String, traits String, metadata String
      ) ENGINE = MergeTree PARTITION BY toDate(timestamp) ORDER BY (environment_key, event, timestamp)\`
    },
    {
      text: \`INSERT INTO events
        SELECT 'production', '$flag_exposure', 'checkout_button', 'user-' || toString(number),
          toDateTime64('2026-01-05 00:00:00', 3, 'UTC') + toIntervalMinute(number),
          if(cityHash64(number, 'arm') % 2 = 0, 'grey', 'green'), '{}', '{}'
        FROM numbers(20000)\`
    },
    {
      text: \`INSERT INTO events
        SELECT 'production', 'purchase', '', identifier, timestamp + toIntervalMinute(1 + cityHash64(identifier, 'waits') % 120),
          toString(10 + cityHash64(identifier, 'price') % 9000 / 100), '{}', '{"currency":"EUR"}'
        FROM events
        WHERE event = '$flag_exposure' AND cityHash64(identifier, 'buys') % 1000 < if(value = 'green', 115, 100)\`
    }
  ]
})
`,
  "experiments/checkout_button.yaml": `# yaml-language-server: $schema=../schemas/experiment.schema.json
key: checkout_button
description: Does a green button sell more?
environment: production
feature: checkout_button        # the feature_name of the exposures
started_at: 2026-01-05T00:00:00Z
ended_at: 2026-01-19T00:00:00Z  # leave it out while the experiment runs
control: grey
variants:                       # shares of the traffic; any scale
  - { key: grey, share: 50 }
  - { key: green, share: 50 }
metrics:
  - { metric: purchased, role: goal }  # decides
  - revenue                            # secondary: explains
`,
  "metrics/purchased.yaml": `# yaml-language-server: $schema=../schemas/metric.schema.json
key: purchased
description: Part of the users who bought something after they saw the button
aggregation: occurrence   # occurrence, count, sum or mean
event: purchase
direction: up             # up, down or informational
`,
  "metrics/revenue.yaml": `# yaml-language-server: $schema=../schemas/metric.schema.json
key: revenue
description: Revenue per user in EUR
aggregation: sum
event: purchase
value: value              # or a path into a JSON column, such as metadata.price
direction: up
where:
  - { property: metadata.currency, op: "=", value: EUR }
`,
  ".gitignore": `.assay/
`
}
