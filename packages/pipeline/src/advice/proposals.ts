/** What might be added to a table, and the DDL that adds it. Pure. */
import { type Plan, type TableRead, tableReads } from "@assay/aggregation"
import type { Statement } from "@assay/model"
import { type Place, quoted, quotedTable, type TableFacts } from "./facts.ts"

/** Something that may be added to a table: a copy of some columns in another order, or an index over the time of arrival. */
export type Proposal =
  | {
    readonly kind: "projection"
    readonly name: string
    readonly columns: ReadonlyArray<string>
    readonly order: ReadonlyArray<string>
  }
  | { readonly kind: "index"; readonly name: string; readonly column: string }

/** The columns of a table that statements name: these quote names of columns, and nothing else. */
export const columnsNamed = (statements: ReadonlyArray<Statement>, facts: TableFacts): ReadonlyArray<string> => {
  const names = new Set(
    statements.flatMap(({ text }) =>
      [...text.matchAll(/`((?:[^`\\]|\\.)+)`/g)].map(([, name]) => name!.replaceAll(/\\(.)/g, "$1"))
    )
  )
  return facts.columns.map(({ name }) => name).filter((name) => names.has(name))
}

const isAt = (a: Place) => (b: Place): boolean => a.table === b.table && (a.database ?? "") === (b.database ?? "")

/** The reads of a plan that are of one table. */
export const readsAt = (plan: Plan, at: Place): ReadonlyArray<TableRead> =>
  tableReads(plan).filter((read) => isAt(at)(read.at))

const unused = (name: string, used: ReadonlyArray<string>): string => {
  let [free, i] = [name, 2]
  while (used.includes(free)) free = `${name}_${i++}`
  return free
}

/** Whether a key names a column. */
export const mentions = (key: string, column: string): boolean =>
  key.includes(quoted(column)) || new Set(key.match(/[\p{L}\p{N}_$.]+/gu)).has(column)

/**
 * Projections that could serve the reads of a table: its columns ordered by those that are compared with values, then by time. Where
 * exposures are events of the table, there is one with the feature in between, which finds an experiment's own exposures, and one without.
 */
export const projectionsFor = (
  reads: ReadonlyArray<TableRead>,
  columns: ReadonlyArray<string>,
  facts: TableFacts
): ReadonlyArray<Proposal> => {
  const orders = [...new Map(
    reads.toReversed().map((read) => {
      const order = [...read.equal, read.timestamp]
      return [order.join("\0"), order]
    })
  ).values()]
  return orders.map((order) => ({
    kind: "projection",
    name: unused("assay_by_event", facts.projections),
    order,
    columns: [...order, ...columns.filter((column) => !order.includes(column))]
  }))
}

/** An index that finds what has arrived since, for refreshes; none where the table has one, or is partitioned or ordered by it. */
export const indexFor = (column: string | undefined, facts: TableFacts): ReadonlyArray<Proposal> =>
  column === undefined || !facts.columns.some(({ kind, name }) => name === column && kind !== "ALIAS") ||
    mentions(facts.partitionKey, column) ||
    mentions(facts.sortingKey.split(",")[0]!, column) ||
    facts.indices.some(({ expression, type }) => type === "minmax" && mentions(expression, column))
    ? []
    : [{ kind: "index", name: unused("assay_ingested", facts.indices.map(({ name }) => name)), column }]

/** Engines whose merges drop or change rows: they refuse projections unless they are told to make these anew. */
const mergesRows = /(Replacing|Summing|Aggregating|Collapsing|Coalescing|Graphite)MergeTree$/

const rebuilds = "deduplicate_merge_projection_mode"

/** Whether a table has to be told first that merges make projections anew. */
export const needsRebuild = ({ engine, engineFull }: Pick<TableFacts, "engine" | "engineFull">): boolean =>
  mergesRows.test(engine) && !engineFull.includes(rebuilds)

/** The statements that add a proposal to a table, and fill it. */
export const ddlOf = (
  proposal: Proposal,
  at: Place,
  table?: Pick<TableFacts, "engine" | "engineFull" | "cluster">
): ReadonlyArray<string> => {
  const alter = `ALTER TABLE ${quotedTable(at)}${
    table?.cluster === undefined ? "" : ` ON CLUSTER ${quoted(table.cluster)}`
  }`
  if (proposal.kind === "index") {
    return [
      `${alter} ADD INDEX ${quoted(proposal.name)} ${quoted(proposal.column)} TYPE minmax GRANULARITY 1`,
      `${alter} MATERIALIZE INDEX ${quoted(proposal.name)}`
    ]
  }
  return [
    ...(table !== undefined && needsRebuild(table) ? [`${alter} MODIFY SETTING ${rebuilds} = 'rebuild'`] : []),
    `${alter} ADD PROJECTION ${quoted(proposal.name)} (
  SELECT ${proposal.columns.map(quoted).join(", ")}
  ORDER BY ${proposal.order.map(quoted).join(", ")}
)`,
    `${alter} MATERIALIZE PROJECTION ${quoted(proposal.name)}`
  ]
}

/** The statement that takes a proposal off a table again. */
export const undoOf = (proposal: Proposal, at: Place): string =>
  `ALTER TABLE ${quotedTable(at)} DROP ${proposal.kind === "index" ? "INDEX" : "PROJECTION"} ${quoted(proposal.name)}`
