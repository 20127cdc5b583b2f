/** The sample ratio of an experiment: its epochs, what earlier looks saw, and where a mismatch is. Pure. */
import {
  type Breakdown,
  type Experiment,
  type Finding,
  Instant,
  type ResultsSummary,
  type Series,
  type VariantResult
} from "@assay/model"
import {
  advice,
  checkSampleRatio,
  type Epoch,
  locateMismatch,
  type PartCount,
  type PeriodCount,
  type SampleRatioCheck
} from "@assay/srm"

export interface SampleRatioCourse {
  readonly experiment: Experiment
  /** The window, [from, to), in milliseconds since 1970-01-01 UTC. */
  readonly from: number
  readonly to: number
  readonly identities: Readonly<Record<string, number>>
  /** Counts over time and by dimension, where the summary has them. */
  readonly series?: Series
  readonly breakdowns?: ReadonlyArray<Breakdown>
  readonly before?: Pick<ResultsSummary, "srm" | "variants" | "window">
  readonly alarmBelow: number
}

type Counts = ReadonlyArray<number>

interface Period {
  readonly from: number
  readonly until: number
  readonly counts: Counts
}

const zero = (n: number): Counts => Array.from({ length: n }, () => 0)

/** New identities per arm in each period of the series. */
const periodsOf = ({ experiment, from, series }: SampleRatioCourse): ReadonlyArray<Period> => {
  const points = series?.points ?? []
  const countsOf = (i: number): Counts =>
    i < 0 ? zero(experiment.variants.length) : experiment.variants.map(({ key }) => points[i]!.identities[key] ?? 0)
  return points.map(({ until }, i) => {
    const before = countsOf(i - 1)
    return {
      from: i === 0 ? from : Instant.toMillis(points[i - 1]!.until),
      until: Instant.toMillis(until),
      counts: countsOf(i).map((n, v) => Math.max(0, n - before[v]!))
    }
  })
}

const sharesOf = (experiment: Experiment, shares: Readonly<Record<string, number>>): Counts =>
  experiment.variants.map(({ key }) => (Object.hasOwn(shares, key) ? shares[key]! : 0))

/** The changes of the split within the window. */
const changesOf = ({ experiment, from, to }: SampleRatioCourse) =>
  (experiment.split_changes ?? []).map((change) => ({ ...change, at: Instant.toMillis(change.from) }))
    .filter(({ at }) => at > from && at < to)

/**
 * The epochs of the split with the identities of those periods that lie in one of them; undefined where the split didn't change, and none
 * where nothing is known of when identities came.
 */
const epochsOf = (
  course: SampleRatioCourse,
  periods: ReadonlyArray<Period>
): ReadonlyArray<Epoch> | undefined => {
  const { experiment, from, to } = course
  const changes = changesOf(course)
  const started = (experiment.split_changes ?? []).findLast((change) => Instant.toMillis(change.from) <= from)
  const first = started === undefined
    ? experiment.variants.map(({ share }) => share)
    : sharesOf(experiment, started.shares)
  if (changes.length === 0) {
    return started === undefined
      ? undefined
      : [{ from: undefined, shares: first, counts: experiment.variants.map(({ key }) => course.identities[key]!) }]
  }
  if (periods.length === 0) return []
  const starts = [
    { name: undefined, at: from, shares: first },
    ...changes.map((change) => ({
      name: change.from,
      at: change.at,
      shares: sharesOf(experiment, change.shares)
    }))
  ]
  return starts.map(({ at, name, shares }, i): Epoch => {
    const until = starts[i + 1]?.at ?? to
    const inside = periods.filter((period) => period.from >= at && Math.min(period.until, to) <= until)
    return {
      from: name,
      shares,
      counts: inside.map(({ counts }) => counts).reduce(
        (a, b) => a.map((x, v) => x + b[v]!),
        zero(experiment.variants.length)
      )
    }
  })
}

/** What earlier looks at the same split have seen. */
const seenBefore = (
  { before, from }: SampleRatioCourse,
  variants: ReadonlyArray<VariantResult>
): number | undefined => {
  const sequential = before?.srm.sequential
  if (before === undefined || sequential === undefined) return undefined
  const same = Instant.toMillis(before.window.from) === from && before.variants.length === variants.length &&
    variants.every(({ expected_share, key }, i) => {
      const earlier = before.variants[i]!
      return earlier.key === key && Math.abs((earlier.expected_share ?? 0) - (expected_share ?? 0)) < 1e-12
    })
  return same ? sequential.p_value : undefined
}

const dayName = (millis: number, period: Series["period"]): string =>
  new Date(millis).toISOString().slice(0, period === "day" ? 10 : 16).replace("T", " ")

/** Where a mismatch is, by the days and parts that are known. A split that changed has no one share to hold them against. */
const locate = (
  course: SampleRatioCourse,
  periods: ReadonlyArray<Period>,
  check: SampleRatioCheck
): ReadonlyArray<Finding> => {
  const { breakdowns = [], experiment, series } = course
  const used = check.variants.flatMap((
    { expected_share },
    i
  ) => (expected_share !== null && expected_share > 0 ? [i] : []))
  if (used.length < 2 || check.result.status === "withheld") return []
  const pick = (counts: Counts): Counts => used.map((i) => counts[i]!)
  const keys = used.map((i) => check.variants[i]!.key)
  const parts = breakdowns.flatMap(({ dimension, slices }) =>
    slices.map(({ identities, other, value }): PartCount => ({
      dimension,
      name: other === true ? "any other value" : value === null ? "missing" : JSON.stringify(value),
      counts: pick(experiment.variants.map(({ key }) => identities[key] ?? 0))
    }))
  )
  return locateMismatch({
    keys,
    shares: used.map((i) => check.variants[i]!.expected_share!),
    periods: periods.map(({ counts, from }): PeriodCount => ({
      name: dayName(from, series?.period ?? "day"),
      counts: pick(counts)
    })),
    parts,
    mismatch: check.result.status === "mismatch"
  }).findings
}

/**
 * The check of an experiment's sample ratio: against the shares of each epoch where the split changed, with the smallest sequential
 * p-value of all looks at this split, and with where a mismatch is as far as counts per day and per slice tell.
 */
export const sampleRatioOf = (course: SampleRatioCourse): SampleRatioCheck => {
  const { alarmBelow, experiment, identities } = course
  const periods = periodsOf(course)
  const epochs = epochsOf(course, periods)
  const input = {
    variants: experiment.variants.map(({ key, share }) => ({ key, share, n: identities[key]! })),
    alarmBelow,
    ...(epochs === undefined ? {} : { epochs })
  }
  const once = checkSampleRatio(input)
  const before = seenBefore(course, once.variants)
  const check = before === undefined ? once : checkSampleRatio({ ...input, before })
  const changes = changesOf(course)
  const changed: ReadonlyArray<Finding> = changes.length === 0 ? [] : [{
    code: "split_changed",
    severity: "warning",
    sentence: `The split changed while the experiment ran (${
      changes.map(({ from }) => from).join(", ")
    }): arms hold different mixes of days.`,
    next: advice.splitChange
  }]
  const located = changes.length > 0 ? [] : locate(course, periods, check)
  return { ...check, findings: [...check.findings, ...located, ...changed] }
}
