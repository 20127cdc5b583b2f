/** What the Schema of an experiment can't say of its plan, its margins and its changes of the split. */
import { describe, type Experiment, horizonMillis, Instant, nameList, suggest, type ValueIssue } from "@assay/model"

const checkPlan = ({ ended_at, plan, started_at }: Experiment): ReadonlyArray<ValueIssue> => {
  if (plan === undefined) return []
  const issues: Array<ValueIssue> = []
  const from = Instant.toMillis(started_at)
  const end = horizonMillis(plan, from)
  if (end !== undefined && end <= from) {
    issues.push({
      path: ["plan", "horizon"],
      found: describe(plan.horizon),
      expected: `an end after started_at, which is ${started_at}`
    })
  }
  if (plan.horizon === undefined && ended_at === undefined && plan.design !== "always-valid") {
    issues.push({
      path: ["plan"],
      found: `the design ${plan.design} without an end`,
      expected: "horizon, such as 14d, a date, or { identities: 40000 }",
      hint: "Only an always-valid plan does without"
    })
  }
  for (const key of ["looks", "spending"] as const) {
    if (plan[key] !== undefined && plan.design !== "group-sequential") {
      issues.push({
        path: ["plan", key],
        at: "key",
        found: `${key} of the design ${plan.design}`,
        expected: "none",
        hint: `${key} belongs to the design group-sequential`
      })
    }
  }
  if (plan.looks === undefined && plan.design === "group-sequential") {
    issues.push({
      path: ["plan"],
      found: "the design group-sequential without looks",
      expected: "looks: how many, or at which fractions of the plan, such as 4 or [0.5, 1]"
    })
  }
  return issues
}

const checkSplitChanges = ({ split_changes = [], started_at, variants }: Experiment): ReadonlyArray<ValueIssue> => {
  const keys = variants.map(({ key }) => key)
  let before = Instant.toMillis(started_at)
  return split_changes.flatMap(({ from, shares }, i): ReadonlyArray<ValueIssue> => {
    const issues: Array<ValueIssue> = []
    const at = Instant.toMillis(from)
    if (at <= before) {
      issues.push({
        path: ["split_changes", i, "from"],
        found: describe(from),
        expected: i === 0 ? `a time after started_at, which is ${started_at}` : "a time after the change before it"
      })
    }
    before = Math.max(before, at)
    for (const key of Object.keys(shares)) {
      if (keys.includes(key)) continue
      const hint = suggest(key, keys)
      issues.push({
        path: ["split_changes", i, "shares", key],
        at: "key",
        found: `the variant ${describe(key)}`,
        expected: `one of the variants: ${nameList(keys)}`,
        ...(hint === undefined ? {} : { hint })
      })
    }
    if (!Object.values(shares).some((share) => share > 0)) {
      issues.push({
        path: ["split_changes", i, "shares"],
        found: "no share above 0",
        expected: "at least one variant that gets traffic"
      })
    }
    return issues
  })
}

/** Everything wrong with an experiment's plan and its changes of the split; paths start at the experiment. */
export const checkReading = (experiment: Experiment): ReadonlyArray<ValueIssue> => [
  ...checkPlan(experiment),
  ...checkSplitChanges(experiment)
]
