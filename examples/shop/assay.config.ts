import { defineConfig } from "@assay/runner"

// An online shop tries two new checkouts. Everything below is made from hashes of numbers, so it is the same at each run:
// `cityHash64('flicker', n) % 1000 < 4` holds for 0.4 % of the visitors, always the same ones. README.md has the rates.

const day = 86_400_000

/** A value as it was delivered: 0.3 % of them, chosen by the event's `seed`, can't be read as numbers. */
const delivered = (value: string, seed: string) =>
  `if(cityHash64('broken', ${seed}) % 1000 < 3, ['nan', '', '1,000'][1 + cityHash64('how', ${seed}) % 3], ${value})`

/** The price of an order, such as 29.90: one to three pieces of a product. */
const price = (seed: string) => {
  const cents = `[990, 1490, 1990, 2990, 4990, 8990, 14900][1 + cityHash64('product', ${seed}) % 7]`
  const total = `${cents} * (1 + cityHash64('pieces', ${seed}) % 3)`
  return `concat(toString(intDiv(${total}, 100)), '.', leftPad(toString(${total} % 100), 2, '0'))`
}

/** Queries for rows of `(event, feature, identifier, timestamp, value, metadata)`. */
const production = {
  // One to ten visits, each with an exposure; the later ones of many lie after the end. The pages of express load faster.
  visits: `
    WITH
      [1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3, 3, 4, 4, 6, 10] AS visits,
      first + toIntervalMillisecond(visit * (${day / 6} + cityHash64('gap', n) % ${2.5 * day})) AS at,
      700 + cityHash64('device', n) % 600 + cityHash64('load', n, visit) % 900 AS load,
      toString(if(variant = 'express', intDiv(load * 95, 100), load)) AS load_time
    SELECT arrayJoin([
      ('$flag_exposure', 'checkout', identifier, at, variant, '{}'),
      ('page_load', '', identifier, at, ${delivered("load_time", "n, visit")}, '{}'),
      ('product_view', '', identifier, at + toIntervalSecond(5), '', '{}')
    ]) AS row
    FROM visitors
    ARRAY JOIN range(visits[1 + cityHash64('visits', n) % 20]) AS visit`,

  // 10 % of the visitors buy, 10.9 % with one_page, 10.1 % with express. Every fifth of them buys twice.
  orders: `
    SELECT (
      'purchase',
      '',
      identifier,
      first + toIntervalSecond(180 + cityHash64('decide', n) % 2400 + number * 216000),
      ${delivered(price("n, number"), "'order', n, number")},
      '{"currency":"EUR"}'
    ) AS row
    FROM visitors
    ARRAY JOIN range(if(cityHash64('twice', n) % 5 = 0, 2, 1)) AS number
    WHERE cityHash64('buys', n) % 10000 < [1000, 1090, 1010][1 + arm]`,

  // 3 % of the visitors write to the support about the checkout, 3.5 % with express, and a few of them twice; 4 % write
  // about their delivery.
  tickets: `
    SELECT (
      'support_ticket',
      '',
      identifier,
      first + toIntervalSecond(3600 + cityHash64('writes', topic, number, n) % 259200),
      '',
      concat('{"topic":"', topic, '"}')
    ) AS row
    FROM visitors
    ARRAY JOIN
      ['checkout', 'checkout', 'delivery'] AS topic,
      [1, 2, 1] AS number,
      [[300, 300, 350][1 + arm], 60, 400] AS rate
    WHERE cityHash64('support', topic, n) % 10000 < rate`,

  // 20 % of the visitors came 1 to 8 days before their exposure, too, and a fifth of those bought something then.
  earlier: `
    WITH first - toIntervalMillisecond(${day} + cityHash64('earlier', n) % ${7 * day}) AS at
    SELECT arrayJoin([
      ('page_load', '', identifier, at, toString(1000 + cityHash64('early load', n) % 900), '{}'),
      ('product_view', '', identifier, at + toIntervalSecond(5), '', '{}'),
      (
        if(cityHash64('early order', n) % 5 = 0, 'purchase', 'product_view'),
        '',
        identifier,
        at + toIntervalSecond(600),
        ${price("'early', n")},
        '{"currency":"EUR"}'
      )
    ]) AS row
    FROM visitors
    WHERE cityHash64('came before', n) % 5 = 0`,

  // Flicker: 0.4 % of the visitors are shown another variant two hours later.
  flicker: `
    SELECT ('$flag_exposure', 'checkout', identifier, first + toIntervalHour(2), variants[1 + (arm + 1) % 3], '{}') AS row
    FROM visitors
    WHERE variant != 'pilot' AND cityHash64('flicker', n) % 1000 < 4`,

  // A rehearsal on the eve of the start: 1 % of the visitors saw the old checkout.
  rehearsal: `
    WITH toDateTime64('2026-08-31 10:00:00', 3, 'UTC') + toIntervalSecond(cityHash64('rehearsal', n) % 28800) AS at
    SELECT ('$flag_exposure', 'checkout', identifier, at, 'control', '{}') AS row
    FROM visitors
    WHERE cityHash64('rehearses', n) % 100 = 0`,

  // Another experiment with some of the same visitors.
  search: `
    SELECT ('$flag_exposure', 'search', identifier, first, ['off', 'on'][1 + cityHash64('search', n) % 2], '{}') AS row
    FROM visitors
    WHERE n % 10 = 0`,

  // 400 visits without an identity, in all three variants; a tenth of them with an order.
  nameless: `
    WITH first + toIntervalMillisecond(7) AS at
    SELECT arrayJoin([
      ('$flag_exposure', 'checkout', '', at, variants[1 + arm], '{}'),
      ('page_load', '', '', at, '1500', '{}'),
      (if(n % 5000 = 0, 'purchase', 'product_view'), '', '', at + toIntervalMinute(9), '19.90', '{"currency":"EUR"}')
    ]) AS row
    FROM visitors
    WHERE n % 500 = 0`
}

/** Testers borrow visitors' names in an environment of their own, see every variant, and always buy. */
const staging = `
    SELECT arrayJoin(arrayConcat(
      arrayMap(variant -> ('$flag_exposure', 'checkout', identifier, first, variant, '{}'), variants),
      [('purchase', '', identifier, first + toIntervalMinute(1), '1.00', '{"currency":"EUR"}')]
    )) AS row
    FROM visitors
    WHERE n < 2000`

/** Half of the visitors come by phone, a third by desktop computer, the others by tablet. */
const traits =
  `concat('{"device":"', ['phone', 'phone', 'phone', 'desktop', 'desktop', 'tablet'][1 + cityHash64('device', row.3) % 6], '"}')`

/** Delivers the rows until two days after the end, at least once: 1.5 % of them come again, five minutes later. */
const deliver = (environment: string, queries: ReadonlyArray<string>) => ({
  text: `
    INSERT INTO events
    SELECT {environment:String}, row.1, row.2, row.3, row.4 AS timestamp, row.5,
      ${traits}, row.6, timestamp + toIntervalSecond(delay)
    FROM (${queries.join("\n    UNION ALL\n")})
    ARRAY JOIN if(cityHash64('again', row) % 1000 < 15, [2, 302], [2]) AS delay
    WHERE timestamp < toDateTime64('2026-09-17', 3, 'UTC')`,
  parameters: { environment }
})

export default defineConfig({
  setup: [
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
      // 0.03 % of the visitors get a variant that nobody declared. All see the checkout within the first 12 days.
      text: `
        CREATE VIEW visitors AS
        SELECT
          number AS n,
          concat('visitor-', toString(n)) AS identifier,
          ['control', 'one_page', 'express'] AS variants,
          toUInt8(cityHash64('variant', n) % 3) AS arm,
          if(cityHash64('pilot', n) % 10000 < 3, 'pilot', variants[1 + arm]) AS variant,
          toDateTime64('2026-09-01', 3, 'UTC') + toIntervalMillisecond(cityHash64('first', n) % ${12 * day}) AS first
        FROM numbers(200000)`
    },
    deliver("production", Object.values(production)),
    deliver("staging", [staging])
  ]
})
