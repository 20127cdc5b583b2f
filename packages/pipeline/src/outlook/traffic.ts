/** How many identities come in a day, as far as stored results tell. Pure. */
import { Instant, type OutlookTraffic, type ResultsSummary } from "@assay/model"

const day = 86_400_000

/** What is averaged over: a week, in which weekdays and weekends have their part. */
const span = 7 * day

interface Count {
  readonly at: number
  readonly n: number
}

const sum = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((a, b) => a + b, 0)

/** Identities in all arms of a summary. */
export const identitiesOf = ({ variants }: Pick<ResultsSummary, "variants">): number =>
  variants.reduce((total, { n }) => total + n, 0)

/** The end of the data of a summary: of its window, which ends with the experiment. */
const endOf = ({ window }: ResultsSummary): number => Instant.toMillis(window.to)

const between = (first: Count, last: Count, source: OutlookTraffic["source"]): OutlookTraffic | undefined =>
  last.at > first.at && last.n > first.n
    ? { per_day: ((last.n - first.n) / (last.at - first.at)) * day, source, since: Instant.fromMillis(first.at) }
    : undefined

/** The newest count a week before the last one, or the oldest; after what was counted before the first identity came. */
const startOf = (counts: ReadonlyArray<Count>, last: Count): Count | undefined => {
  const usable = counts.filter(({ at }) => at < last.at)
  const from = usable.findLastIndex(({ at }) => at <= last.at - span)
  const empty = usable.findLastIndex(({ n }) => n === 0)
  return usable[Math.max(from, empty, 0)]
}

/**
 * The mean number of new identities a day over the last week, or since the first of them where that is shorter: from the series of the latest
 * summary, else from an earlier summary of the same window's start (at least a day older), else over its whole window. Undefined where
 * nobody came.
 */
export const trafficOf = (
  latest: ResultsSummary,
  earlier: ReadonlyArray<ResultsSummary> = []
): OutlookTraffic | undefined => {
  const last = { at: endOf(latest), n: identitiesOf(latest) }
  const start = { at: Instant.toMillis(latest.window.from), n: 0 }
  const points = (latest.series?.points ?? []).map(({ identities, until }): Count => ({
    at: Instant.toMillis(until),
    n: sum(identities)
  }))
  const fromSeries = startOf([start, ...points], last)
  if (points.length > 0 && fromSeries !== undefined) return between(fromSeries, last, "series")
  const looks = earlier.filter((one) =>
    one.window.from === latest.window.from && endOf(one) <= last.at - day && identitiesOf(one) > 0
  ).map((one): Count => ({ at: endOf(one), n: identitiesOf(one) })).toSorted((a, b) => a.at - b.at)
  const look = startOf(looks, last)
  return (look === undefined ? undefined : between(look, last, "snapshots")) ?? between(start, last, "window")
}
