/** Advice on what to add to event tables: what is printed helps when it is run, and nothing is left of trying it. */
import type { Plan } from "@assay/aggregation"
import { compile } from "@assay/aggregation"
import type { EventMapping } from "@assay/model"
import { Warehouse, type WarehouseShape } from "@assay/warehouse"
import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Exit, Fiber, Latch } from "effect"
import { type Advice, advise, type AdviseInput, ddlOf, type TableAdvice } from "../src/index.ts"
import { planOf } from "./plans.ts"
import { mapping, measuring } from "./world.ts"

const database = "default"

const plain = (text: string) => ({ text, parameters: {}, settings: {} })

const run = Effect.fnUntraced(function*(...statements: ReadonlyArray<string>) {
  const warehouse = yield* Warehouse
  for (const text of statements) yield* warehouse.command(plain(text))
})

/** What a row of an answer is about. */
const aboutOf = ({ arm, part, place, tally }: Readonly<Record<string, unknown>>) => [tally, place, arm, part].join()

const rowsOf = (text: string) =>
  Warehouse.use((warehouse) => Effect.map(warehouse.query(plain(text)), ({ rows }) => rows))

const columns = `environment String, event LowCardinality(String), feature String, identifier String,
  timestamp DateTime64(3, 'UTC'), collected_at DateTime64(3, 'UTC'), value String, traits String, metadata String, id String`

const window = "ENGINE = MergeTree PARTITION BY toYYYYMM(timestamp) ORDER BY"

const small = "SETTINGS index_granularity = 64"

/** 40,000 events from January to the middle of February, in the order of arrival; one in seven counts. */
const fill = (table: string) =>
  `INSERT INTO ${table} (environment, event, feature, identifier, timestamp, collected_at, value)
SELECT if(cityHash64(number, 1) % 4 = 0, 'staging', 'production'),
  ['$flag_exposure', 'purchase', 'refund', 'view'][1 + least(number % 20, 3)] AS name,
  if(name = '$flag_exposure', 'checkout', ''), toString(cityHash64(number) % 2000),
  toDateTime64('2026-01-01 00:00:00', 3, 'UTC') + 100 * number AS at, at,
  if(name = '$flag_exposure', if(cityHash64(number) % 2000 % 2 = 0, 'control', 'treatment'), '1')
FROM numbers(40000)`

const mapped = (table: string, more: Partial<EventMapping> = {}): EventMapping => ({
  ...mapping,
  table,
  columns: { environment: "environment", event: "event", feature: "feature", timestamp: "timestamp", value: "value" },
  identities: { identifier: "identifier" },
  json: {},
  properties: {},
  ...more
})

const planned = (table: string, more: Partial<EventMapping> = {}): Plan => ({
  ...planOf(measuring(["purchased", "purchases", "revenue"])),
  mapping: mapped(table, more)
})

const asked = (plans: AdviseInput["plans"], more: Partial<AdviseInput> = {}) =>
  Warehouse.use((warehouse) =>
    advise(warehouse, { plans, scratch: { database }, rows: 20_000, incremental: false, ...more })
  )

/** Makes a table, fills it, and asks for advice on it. */
const adviceOn = Effect.fnUntraced(function*(
  table: string,
  engine: string,
  more: Partial<AdviseInput> = {},
  mappedTo: Partial<EventMapping> = {}
) {
  yield* run(`DROP TABLE IF EXISTS ${table}`, `CREATE TABLE ${table} (${columns}) ${engine} ${small}`, fill(table))
  return yield* asked([planned(table, mappedTo)], more)
})

const only = ({ tables }: Advice): TableAdvice => {
  assert.strictEqual(tables.length, 1)
  return tables[0]!
}

const names = Effect.map(
  rowsOf(`SELECT name FROM system.tables WHERE database = '${database}' AND name LIKE 'assay\\_advise\\_%'`),
  (rows) => rows.map(({ name }) => String(name))
)

const answer = (plan: Plan) => Warehouse.use((warehouse) => warehouse.query(compile(plan)))

/** What a table is and holds. */
const stateOf = (table: string) =>
  Effect.all([
    rowsOf(`SHOW CREATE TABLE ${table}`),
    rowsOf(`SELECT name, rows, modification_time FROM system.parts WHERE active AND table = '${table}' ORDER BY name`)
  ])

layer(Warehouse.layerEmbedded(), { excludeTestServices: true })("advice", (it) => {
  it.effect("is DDL that gains about what was measured on a copy that is gone, and changes no answer", () =>
    Effect.gen(function*() {
      const table = `CREATE TABLE by_identity (${columns}) ${window} (identifier, timestamp) ${small}`
      yield* run(table, fill("by_identity"))
      const untouched = yield* stateOf("by_identity")
      const advice = yield* asked([planned("by_identity")])
      assert.deepStrictEqual([yield* stateOf("by_identity"), yield* names], [untouched, []])
      const { advised: [first, ...others], because, copy, reads } = only(advice)
      assert.deepStrictEqual([others, because, advice.unmeasured], [[], [], undefined])
      assert.isTrue(first?.gain.kind === "measured")
      if (first?.gain.kind !== "measured") return
      assert.isTrue(reads!.needed > 1000 && reads!.needed < reads!.rows / 2, JSON.stringify(reads))
      assert.isTrue(copy!.rows >= 5000 && copy!.rows <= 20_000 && copy!.of < 40_000, JSON.stringify(copy))
      const told = first.gain.before.rows / first.gain.after.rows
      assert.isTrue(told > 2, `${told}`)
      const plan = planned("by_identity")
      const before = yield* answer(plan)
      yield* run(...first.ddl.map((text) => `${text} SETTINGS mutations_sync = 2`))
      const after = yield* answer(plan)
      // Two selects together have no order: each row says what it is about.
      const inOrder = (rows: typeof after.rows) => rows.toSorted((a, b) => (aboutOf(a) < aboutOf(b) ? -1 : 1))
      assert.deepStrictEqual(inOrder(after.rows), inOrder(before.rows))
      const got = before.statistics.rowsRead / after.statistics.rowsRead
      assert.isTrue(Math.abs(Math.log(got / told)) < Math.log(1.5), `told ${told}, got ${got}`)
      const again = only(yield* asked([plan]))
      assert.deepStrictEqual(again.advised, [])
      assert.match(again.because.join(), /are needed/)
    }))

  it.effect("says why there is none where the order serves the filters", () =>
    Effect.gen(function*() {
      const { advised, because } = only(yield* adviceOn("served", `${window} (event, environment, timestamp)`))
      assert.deepStrictEqual(advised, [])
      assert.match(because.join(), /its order \(event, environment, timestamp\) serves them/)
    }))

  it.effect("says why there is none where little is read", () =>
    Effect.gen(function*() {
      yield* run(`CREATE TABLE little (${columns}) ${window} identifier`, fill("little"))
      assert.match(only(yield* asked([planned("little")])).because.join(), /which is little whatever their order/)
      yield* run(`TRUNCATE TABLE little`)
      assert.match(only(yield* asked([planned("little")])).because.join(), /no rows in the window/)
    }))

  it.effect("finds what refreshes need, and that it is there once it is", () =>
    Effect.gen(function*() {
      const arriving = { columns: { ...mapped("").columns, ingested: "collected_at" } }
      const { advised } = only(
        yield* adviceOn(
          "arriving",
          `${window} (environment, event, timestamp)`,
          { incremental: true, rows: 40_000 },
          arriving
        )
      )
      assert.deepStrictEqual(advised.map(({ of, proposal }) => [of, proposal.kind]), [["refresh", "index"]])
      const [{ ddl, gain }] = advised as [(typeof advised)[number]]
      assert.isTrue(gain.kind === "measured" && gain.after.rows * 2 < gain.before.rows, JSON.stringify(gain))
      yield* run(...ddl.map((text) => `${text} SETTINGS mutations_sync = 2`))
      assert.deepStrictEqual(only(yield* asked([planned("arriving", arriving)], { incremental: true })).advised, [])
    }))

  it.effect("fits engines that drop rows when they merge, and columns that are computed", () =>
    Effect.gen(function*() {
      yield* run(
        `CREATE TABLE replacing (${columns}, moment DateTime64(3, 'UTC') MATERIALIZED timestamp)
ENGINE = ReplacingMergeTree(collected_at) PARTITION BY toYYYYMM(moment) ORDER BY (identifier, event, timestamp) ${small}`,
        fill("replacing")
      )
      const moment = { columns: { ...mapped("").columns, timestamp: "moment" } }
      const { advised: [first] } = only(yield* asked([planned("replacing", moment)]))
      assert.match(first!.ddl[0]!, /MODIFY SETTING deduplicate_merge_projection_mode = 'rebuild'$/)
      assert.match(first!.notes.join(), /ReplacingMergeTree/)
      yield* run(...first!.ddl)
    }))

  it.effect("covers exposures in a table of their own", () =>
    Effect.gen(function*() {
      yield* run(
        `CREATE TABLE seen (environment String, feature String, variant String, at DateTime64(3, 'UTC'), identifier String)
ENGINE = MergeTree ORDER BY identifier ${small}`,
        `INSERT INTO seen SELECT 'production', 'f' || toString(number % 20), 'control',
  toDateTime64('2026-01-01 00:00:00', 3, 'UTC') + 40 * number, toString(number) FROM numbers(40000)`
      )
      const exposures = {
        table: "seen",
        columns: { environment: "environment", feature: "feature", variant: "variant", timestamp: "at" },
        identities: { identifier: "identifier" }
      }
      const { tables } = yield* adviceOn("events_apart", `${window} identifier`, {}, { exposures })
      assert.deepStrictEqual(
        tables.map((
          { advised, table }
        ) => [table, advised.map(({ proposal }) => "order" in proposal && proposal.order)]),
        [
          ["`default`.`seen`", [["environment", "feature", "at"]]],
          ["`default`.`events_apart`", [["environment", "event", "timestamp"]]]
        ]
      )
    }))

  it.effect("refuses what has no order of its own, or isn't there, and says what it is", () =>
    Effect.gen(function*() {
      yield* run(
        `CREATE TABLE source (${columns}) ${window} identifier`,
        "CREATE VIEW viewed AS SELECT * FROM source",
        `CREATE TABLE merged AS source ENGINE = Merge(currentDatabase(), '^source$')`,
        `CREATE TABLE remembered (${columns}) ENGINE = Memory`
      )
      const reason = (table: string) => Effect.map(asked([planned(table)]), (advice) => only(advice).because.join())
      assert.match(yield* reason("viewed"), /a view; name the table that it reads/)
      assert.match(yield* reason("merged"), /engine Merge/)
      assert.match(yield* reason("remembered"), /in memory/)
      assert.match(yield* reason("missing"), /no such table, or this user may not see it/)
    }))

  it.effect("is estimated, and says so, where no copy can be made", () =>
    Effect.gen(function*() {
      const told = yield* adviceOn("estimated", `${window} identifier`, { scratch: { reason: "nowhere to write" } })
      const { advised: [first], copy } = only(told)
      assert.strictEqual(told.unmeasured, "nowhere to write")
      assert.isTrue(first?.gain.kind === "estimated" && first.gain.after.rows * 1.3 < first.gain.before.rows)
      assert.isUndefined(copy)
      const refused = yield* asked([planned("estimated")], { scratch: { database: "nowhere" } })
      assert.match(
        refused.unmeasured!,
        /^a copy in nowhere can't be made or tried: .+; name a database in which this user may make and drop tables$/
      )
      assert.strictEqual(only(refused).advised[0]?.gain.kind, "estimated")
    }))

  it.effect("drops its copies also when it fails or is interrupted, and what killed runs have left", () =>
    Effect.gen(function*() {
      const old = `assay_advise_${Date.now() - 2 * 86_400_000}_0123abcd_0`
      const young = `assay_advise_${Date.now() - 3_600_000}_0123abcd_0`
      const users = "assay_advise_of_a_user"
      yield* run(...[old, young, users].map((name) => `CREATE TABLE ${name} (x UInt8) ENGINE = Memory`))
      yield* run(`CREATE TABLE broken (${columns}) ${window} identifier ${small}`, fill("broken"))
      const warehouse = yield* Warehouse
      const copied = yield* Latch.make()
      const failing = (fail: Effect.Effect<never>): WarehouseShape => ({
        ...warehouse,
        query: (statement, options) =>
          /`assay_advise_\d+_/.test(statement.text) && statement.text.includes("JOIN")
            ? Effect.andThen(copied.open, fail)
            : warehouse.query(statement, options)
      })
      const input = { plans: [planned("broken")] as const, scratch: { database }, rows: 20_000, incremental: false }
      assert.isTrue(Exit.isFailure(yield* Effect.exit(advise(failing(Effect.die("broken")), input))))
      yield* copied.close
      const fiber = yield* Effect.forkChild(advise(failing(Effect.never), input))
      yield* copied.await
      assert.strictEqual((yield* names).length, 3)
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual((yield* names).toSorted(), [young, users].toSorted())
      yield* run(`DROP TABLE ${young}`, `DROP TABLE ${users}`)
    }))
})

describe("the DDL", () => {
  const at = { database: "my db", table: "events" }
  const of = { engine: "ReplicatedMergeTree", engineFull: "", cluster: "main" }

  it("quotes names, and reaches all nodes of a cluster", () => {
    assert.deepStrictEqual(ddlOf({ kind: "index", name: "i", column: "a`b" }, at, of), [
      "ALTER TABLE `my db`.`events` ON CLUSTER `main` ADD INDEX `i` `a\\`b` TYPE minmax GRANULARITY 1",
      "ALTER TABLE `my db`.`events` ON CLUSTER `main` MATERIALIZE INDEX `i`"
    ])
  })
})
