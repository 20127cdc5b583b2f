/** The contract of an aggregation: a value that says how a metric's events become moments and which estimand they serve. */
import type { Display, EstimandKind, Finding, Floor, Moments } from "@assay/model"
import { Schema } from "effect"
import {
  accumulators,
  always,
  type AnyEvents,
  anyEvents,
  type Events,
  plainEvents,
  type TextEvents,
  textEvents,
  type UnitColumn,
  type UnitValues,
  type ValuedEvents,
  valuedEvents,
  type Window
} from "./Unit.ts"

/** The version of this contract. A plugin made for another one is refused. */
export const contractVersion = 1

/**
 * What is read from each event of a source: `nothing`; a number (`value`) or a `text`, without which an event is left out and
 * counted; or `any` of these, as the aggregation's options have it.
 */
export type Reads = "nothing" | "value" | "text" | "any"

/** A source of events: one, or a list of `least` to `most` of them. */
export type SourceDeclaration = Reads | { readonly reads: Reads; readonly least: number; readonly most: number }

/** The sources that an aggregation looks at, by name. */
export type Sources = Readonly<Record<string, SourceDeclaration>>

type EventsOf<R extends Reads, Name extends string> = R extends "value" ? ValuedEvents<Name>
  : R extends "text" ? TextEvents<Name>
  : R extends "any" ? AnyEvents<Name>
  : Events<Name>

/** What `columns` gets: the events of each source, by its name. */
export type ScopeOf<S extends Sources> = {
  readonly [Name in keyof S & string]: S[Name] extends Reads ? EventsOf<S[Name], Name>
    : S[Name] extends { readonly reads: infer R extends Reads } ? ReadonlyArray<EventsOf<R, Name>>
    : never
}

/** What is estimated, by the names of the unit columns that it needs. */
export type EstimandOf<Column extends string> =
  | { readonly kind: "proportion" | "mean"; readonly column: Column }
  | { readonly kind: "ratio"; readonly numerator: Column; readonly denominator: Column }

/** What a metric may ask of an aggregation: filters, a delay or conversion window, a covariate, a cap on the values of identities. */
export const features = ["where", "window", "covariate", "cap"] as const
/** One of {@link features}. */
export type Feature = (typeof features)[number]

/** A mean, or a ratio of two means, that is shown beside the metric's value. */
export type Reported<Source extends string = string> =
  | UnitColumn<Source>
  | { readonly numerator: UnitColumn<Source>; readonly denominator: UnitColumn<Source> }

/** What an aggregation may say about the moments of its metric, by arm. */
export interface Outcome {
  readonly metric: string
  readonly moments: Readonly<Record<string, Moments.Moments>>
}

/** What every aggregation says of itself. */
interface Description<Options> {
  /** The name that metrics use: lower-case letters, digits and dashes. */
  readonly name: string
  /** The version of the plugin; it stands in every result's provenance. */
  readonly version: string
  /** What a metric may say under `options`. */
  readonly options: Schema.Codec<Options, unknown>
  /** What a metric may ask of it; everything where it is absent, but for a cap on a proportion, whose values are 0 and 1. */
  readonly features?: ReadonlyArray<Feature>
  /** What a reader should know of the numbers. */
  readonly findings?: (outcome: Outcome, options: Options) => ReadonlyArray<Finding>
  /** The least data below which inference is withheld, beside what is asked of every metric (50 identities in each arm). */
  readonly floors?: ReadonlyArray<Floor>
  /** How the value is shown. */
  readonly display?: Display
}

interface Definition<Options, Column extends string, S extends Sources> extends Description<Options> {
  /** One or more unit columns over the metric's events. */
  readonly columns: (
    scope: ScopeOf<S> & { readonly options: Options }
  ) => Readonly<Record<Column, UnitColumn<keyof S & string>>>
  /** Which moments the outer query sums, and which test the kernel applies. */
  readonly estimand: EstimandOf<NoInfer<Column>>
  /** Further means or ratios to show per arm, by the names that they are shown under. */
  readonly reported?: (
    scope: ScopeOf<S> & { readonly options: Options }
  ) => Readonly<Record<string, Reported<keyof S & string>>>
}

/** An aggregation over one source of events, `events`: what a metric says under `event`, `value` and `where`. */
export interface AggregationDefinition<Options, Column extends string, R extends Reads>
  extends Definition<Options, Column, { readonly events: R }>
{
  /** What each event must carry. */
  readonly reads: R
}

/** An aggregation over several sources of events: what a metric says under `sources`. */
export interface SourcesDefinition<Options, Column extends string, S extends Sources>
  extends Definition<Options, Column, S>
{
  /** The sources by name, and what each event of one must carry. */
  readonly sources: S
}

/** An aggregation whose value is a quantile of what identities have, over one source of events. */
export interface QuantileDefinition<Options, R extends Reads> extends Description<Options> {
  /** What each event must carry. */
  readonly reads: R
  /** What it is a quantile of: one number per identity, or a number of each of its events (`events.each`). */
  readonly of: (
    scope: ScopeOf<{ readonly events: R }> & { readonly options: Options }
  ) => UnitColumn<"events"> | UnitValues<"events">
  /** Which quantile: from 0.001 to 0.999, with at most six decimals. */
  readonly level: (options: Options) => number
  /** Filters and windows are all that a quantile can take. */
  readonly features?: ReadonlyArray<"where" | "window">
}

/** What an aggregation is bound to: what the events of each source are called, and when they count. */
export interface Binding {
  readonly sources: Readonly<Record<string, ReadonlyArray<string>>>
  readonly window: Window
}

/** An aggregation bound to a metric's options: unit columns in the order of the estimand's moments. */
export interface BoundAggregation {
  readonly estimand: EstimandKind
  readonly columns: ReadonlyArray<UnitColumn>
  /** Each of one column (a mean) or two (a ratio). */
  readonly reported: ReadonlyArray<{ readonly name: string; readonly columns: ReadonlyArray<UnitColumn> }>
  /** What it is a quantile of, and which; it has no columns then. */
  readonly quantile?: { readonly level: number; readonly of: UnitColumn | UnitValues }
}

/** A source as the planner uses it; `list` where there may be several of them. */
export interface DeclaredSource {
  readonly reads: Reads
  readonly list: { readonly least: number; readonly most: number } | undefined
}

/** An aggregation as the planner uses it. Made by {@link defineAggregation} only. */
export interface Aggregation {
  readonly contract: typeof contractVersion
  readonly name: string
  readonly version: string
  /** What it reads from the events of its only source; `nothing` where it has several. */
  readonly reads: Reads
  /** Its sources by name; an only one is called `events`, and metrics describe it beside the aggregation's name. */
  readonly sources: Readonly<Record<string, DeclaredSource>>
  readonly options: Schema.Codec<unknown, unknown>
  readonly estimand: EstimandKind
  /** The names of the unit columns that the estimand is of, in the order of its moments; a quantile has none. */
  readonly columns: ReadonlyArray<string>
  readonly features: ReadonlyArray<Feature>
  readonly floors: ReadonlyArray<Floor>
  readonly display: Display
  /** The unit columns for decoded options; without a binding over one event of each source, from the first exposure on. */
  readonly bind: (options: unknown, binding?: Binding) => BoundAggregation
  readonly findings: (outcome: Outcome, options: unknown) => ReadonlyArray<Finding>
}

/** Options of an aggregation that has none. */
export const NoOptions: Schema.Codec<object, unknown> = Schema.Struct({})

/** The name of the only source of an aggregation that has one. */
export const onlySource = "events"

/** Whether an aggregation's metrics describe their events under `sources`. */
export const hasSources = ({ sources }: Aggregation): boolean => !Object.hasOwn(sources, onlySource)

const makers = { nothing: plainEvents, value: valuedEvents, text: textEvents, any: anyEvents } as const

const declared = (source: SourceDeclaration): DeclaredSource =>
  typeof source === "string"
    ? { reads: source, list: undefined }
    : { reads: source.reads, list: { least: source.least, most: source.most } }

const scopeOf = (sources: Readonly<Record<string, DeclaredSource>>, binding: Binding | undefined) =>
  Object.fromEntries(
    Object.entries(sources).map(([source, { list, reads }]) => {
      const names = binding?.sources[source] ?? Array.from({ length: list?.least ?? 1 }, () => source)
      const events = names.map((name, position) =>
        makers[reads](name, { source, position, reads: "nothing", window: binding?.window ?? always })
      )
      return [source, list === undefined ? events[0] : events]
    })
  )

/** A column that depends on events, or an error that says which doesn't. */
type Dependent = (column: UnitColumn, what: string) => UnitColumn

const make = <Options>(
  definition: Description<Options>,
  all: Sources,
  estimand: EstimandKind,
  columns: ReadonlyArray<string>,
  bound: (scope: { readonly options: Options }, dependent: Dependent) => Omit<BoundAggregation, "estimand">
): Aggregation => {
  const { name, version } = definition
  if (!/^[a-z][a-z0-9-]{0,49}$/.test(name)) {
    throw new RangeError(
      `An aggregation's name is 1 to 50 lower-case letters, digits and dashes: ${JSON.stringify(name)}`
    )
  }
  if (!/^\d+\.\d+\.\d+/.test(version)) {
    throw new RangeError(`Aggregation ${name} needs a version such as 1.0.0, not ${JSON.stringify(version)}`)
  }
  const sources = Object.fromEntries(Object.entries(all).map(([source, one]) => [source, declared(one)]))
  for (const [source, { list }] of Object.entries(sources)) {
    if (!/^[a-z][a-z0-9_]{0,49}$/.test(source) || source === "options") {
      throw new RangeError(
        `Aggregation ${name}: a source's name is lower-case letters, digits and underscores: ${JSON.stringify(source)}`
      )
    }
    if (list !== undefined && !(list.least >= 1 && list.most >= list.least)) {
      throw new RangeError(`Aggregation ${name}: the source "${source}" needs 1 ≤ least ≤ most`)
    }
  }
  const asked = definition.features ?? features.filter((feature) => feature !== "cap" || estimand !== "proportion")
  if (estimand === "proportion" && asked.includes("cap")) {
    throw new RangeError(
      `Aggregation ${name}: there is nothing to cap in a proportion, so its features can't have "cap"`
    )
  }
  const dependent: Dependent = (column, what) => {
    if (accumulators(column).length > 0) return column
    throw new RangeError(`Aggregation ${name}: the ${what} doesn't depend on any event`)
  }
  const aggregation: Aggregation = {
    contract: contractVersion,
    name,
    version,
    reads: sources[onlySource]?.reads ?? "nothing",
    sources: Object.freeze(sources),
    options: definition.options,
    estimand,
    columns: Object.freeze([...columns]),
    features: Object.freeze([...asked]),
    floors: Object.freeze([...(definition.floors ?? [])]),
    display: definition.display ?? { format: estimand === "proportion" ? "percent" : "number" },
    bind: (options, binding) => ({
      estimand,
      ...bound({ ...scopeOf(sources, binding), options: options as Options }, dependent)
    }),
    findings: (outcome, options) => definition.findings?.(outcome, options as Options) ?? []
  }
  return Object.freeze(aggregation)
}

/** The names of the unit columns that an estimand is of, in the order of its moments. */
const columnsOf = <Column extends string>(estimand: EstimandOf<Column>): ReadonlyArray<Column> =>
  estimand.kind === "ratio" ? [estimand.numerator, estimand.denominator] : [estimand.column]

/** What an aggregation of unit columns is bound to. */
const boundColumns = <Options, Column extends string, S extends Sources>(
  { columns: unitColumns, estimand, name, reported }: Definition<Options, Column, S>
) =>
(scope: { readonly options: Options }, dependent: Dependent): Omit<BoundAggregation, "estimand"> => {
  const columns = unitColumns(scope as never)
  return {
    columns: columnsOf(estimand).map((column) => {
      const unit: UnitColumn | undefined = Object.hasOwn(columns, column) ? columns[column] : undefined
      if (unit === undefined) {
        throw new RangeError(
          `Aggregation ${name}: its estimand needs the unit column "${column}", which columns() doesn't give`
        )
      }
      return dependent(unit, `unit column "${column}"`)
    }),
    reported: Object.entries(reported?.(scope as never) ?? {}).map(([shown, one]) => ({
      name: shown,
      columns: ("numerator" in one ? [one.numerator, one.denominator] : [one]).map((column) =>
        dependent(column, `column reported as "${shown}"`)
      )
    }))
  }
}

/**
 * Makes an aggregation. The result is a frozen value; list it in the configuration to use it.
 *
 * @example
 * defineAggregation({
 *   name: "sum", version: "1.0.0", options: NoOptions, reads: "value",
 *   columns: ({ events }) => ({ total: events.sum(events.value) }),
 *   estimand: { kind: "mean", column: "total" }
 * })
 *
 * @throws RangeError when the name, the version or the estimand can't be used; the sentence says why.
 */
export const defineAggregation = <Options, const Column extends string, const R extends Reads>(
  definition: AggregationDefinition<Options, Column, R>
): Aggregation =>
  make(
    definition,
    { [onlySource]: definition.reads },
    definition.estimand.kind,
    columnsOf(definition.estimand),
    boundColumns<Options, Column, { readonly events: R }>(definition)
  )

/**
 * Makes an aggregation whose value is a quantile of what identities have: of one number per identity, or of a number of each of their
 * events. It is exact, and its standard error takes identities as the unit in either case.
 *
 * @example
 * defineQuantileAggregation({
 *   name: "median-order", version: "1.0.0", options: NoOptions, reads: "value",
 *   of: ({ events }) => events.each(events.value),
 *   level: () => 0.5,
 *   floors: [{ kind: "values", need: 5 }]
 * })
 *
 * @throws RangeError when the name or the version can't be used; the sentence says why.
 */
export const defineQuantileAggregation = <Options, const R extends Reads>(
  definition: QuantileDefinition<Options, R>
): Aggregation =>
  make<Options>(
    { ...definition, features: definition.features ?? ["where", "window"] },
    { [onlySource]: definition.reads },
    "quantile",
    [],
    (scope, dependent) => {
      const of = definition.of(scope as never)
      dependent(of.kind === "values" ? of.of : of, "number that it is a quantile of")
      return { columns: [], reported: [], quantile: { level: definition.level(scope.options), of } }
    }
  )

/**
 * Makes an aggregation over several sources of events, each with a name; a metric describes them under `sources`.
 *
 * @example
 * defineMultiSourceAggregation({
 *   name: "per-visit", version: "1.0.0", options: NoOptions, sources: { orders: "value", visits: "nothing" },
 *   columns: ({ orders, visits }) => ({ money: orders.sum(orders.value), visits: visits.count() }),
 *   estimand: { kind: "ratio", numerator: "money", denominator: "visits" }
 * })
 *
 * @throws RangeError when the name, the version, the sources or the estimand can't be used; the sentence says why.
 */
export const defineMultiSourceAggregation = <Options, const Column extends string, const S extends Sources>(
  definition: SourcesDefinition<Options, Column, S>
): Aggregation => {
  const { name, sources } = definition
  if (Object.keys(sources).length === 0 || Object.hasOwn(sources, onlySource)) {
    throw new RangeError(
      `Aggregation ${name}: it needs sources, none called "${onlySource}"; over one alone use defineAggregation`
    )
  }
  const { estimand } = definition
  return make(definition, sources, estimand.kind, columnsOf(estimand), boundColumns<Options, Column, S>(definition))
}

/** Whether a value is an aggregation made for this contract. */
export const isAggregation = (value: unknown): value is Aggregation =>
  typeof value === "object" && value !== null && "contract" in value && value.contract === contractVersion &&
  "bind" in value && typeof value.bind === "function"
