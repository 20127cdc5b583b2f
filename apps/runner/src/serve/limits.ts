/** How often somebody may ask: a bucket of requests for each, which fills up again over time. */

/** So many requests at once, and so many more each minute. */
export interface Rate {
  readonly burst: number
  readonly perMinute: number
}

interface Bucket {
  readonly tokens: number
  readonly at: number
}

/** Buckets are forgotten, full ones first, when there are more: addresses can be made up. */
const MOST_BUCKETS = 10_000

/**
 * A limiter of its own memory. `take(key, now)` takes one request (`now` in milliseconds) and answers 0, or the seconds until there is
 * one again.
 */
export const limiter = ({ burst, perMinute }: Rate): { readonly take: (key: string, now: number) => number } => {
  const buckets = new Map<string, Bucket>()
  const levelAt = ({ at, tokens }: Bucket, now: number): number =>
    Math.min(burst, tokens + (Math.max(0, now - at) * perMinute) / 60_000)
  const forget = (now: number) => {
    for (const [key, bucket] of buckets) if (levelAt(bucket, now) >= burst) buckets.delete(key)
    if (buckets.size > MOST_BUCKETS) buckets.clear()
  }
  return {
    take: (key, now) => {
      const level = levelAt(buckets.get(key) ?? { tokens: burst, at: now }, now)
      if (buckets.size > MOST_BUCKETS) forget(now)
      buckets.set(key, { tokens: level >= 1 ? level - 1 : level, at: now })
      return level >= 1 ? 0 : Math.max(1, Math.ceil(((1 - level) * 60) / perMinute))
    }
  }
}
