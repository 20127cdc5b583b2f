/** When an experiment is to be computed anew without anybody asking. */
import { Cron, Result, Schema } from "effect"
import { Duration } from "./Duration.ts"

const isZone = (name: string): boolean => {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== ""
  } catch {
    return false
  }
}

/** A time zone by its IANA name. */
const Zone = Schema.String.pipe(
  Schema.check(
    Schema.makeFilter(isZone, {
      expected: "a time zone by its IANA name, such as Europe/Paris or UTC",
      toJsonSchema: () => ({ pattern: "^[A-Za-z0-9_+/-]+$" })
    })
  )
)

/** Whether a cron expression has five fields and a time at all, which 30 February isn't. */
const comesAtSomeTime = (text: string): boolean => {
  if (text.trim().split(/\s+/).length !== 5) return false
  const cron = Cron.parse(text, "UTC")
  return Result.isSuccess(cron) && Result.isSuccess(Result.try(() => Cron.next(cron.success, new Date(0))))
}

/** A cron expression of five fields. */
const CronText = Schema.String.pipe(
  Schema.check(
    Schema.makeFilter(comesAtSomeTime, {
      expected: "a cron expression of five fields that comes at some time, such as \"0 6 * * *\" for 06:00 every day",
      toJsonSchema: () => ({ pattern: "^\\s*\\S+(\\s+\\S+){4}\\s*$" })
    })
  )
)

const grace = Schema.optionalKey(
  Duration.annotate({
    description:
      "How long after ended_at late events are waited for; then the final result is computed. 1d where it is absent.",
    default: "1d"
  })
)

/**
 * `never`, or one of three schedules: `cron`; `every`, an interval that may grow with the age of the experiment (`grows` is the share
 * of the age, `up_to` its bound); `after_data`, as soon as there is new data, but not more often than this. None of them computes anything
 * where neither definitions nor data have changed. `grace` after `ended_at`, the final result is computed.
 */
export const Refresh = Schema.Union([
  Schema.Literal("never"),
  Schema.Struct({
    cron: CronText.annotate({
      description: "Five fields: minute, hour, day of the month, month, day of the week.",
      examples: ["0 6 * * *"]
    }),
    zone: Schema.optionalKey(
      Zone.annotate({ description: "The time zone of the cron expression. UTC where it is absent." })
    ),
    grace
  }),
  Schema.Struct({
    every: Duration.annotate({ description: "The shortest time between two results.", examples: ["1h"] }),
    grows: Schema.optionalKey(
      Schema.Finite.pipe(Schema.check(Schema.isGreaterThan(0), Schema.isLessThanOrEqualTo(1))).annotate({
        description: "The interval as a share of the experiment's age: 0.05 of 20 days is a day.",
        examples: [0.05]
      })
    ),
    up_to: Schema.optionalKey(
      Duration.annotate({ description: "The longest interval that it grows to.", examples: ["1d"] })
    ),
    grace
  }),
  Schema.Struct({
    after_data: Duration.annotate({
      description: "As soon as there is new data, but not more often than this.",
      examples: ["15m"]
    }),
    grace
  })
])
export type Refresh = typeof Refresh.Type

/** Hourly for a new experiment, daily from the age of 20 days on. */
export const defaultRefresh: Refresh = { every: "1h", grows: 0.05, up_to: "1d" }
