/** The scorecard as a specification: whole ones first, then what holds for every summary. */
import type { MetricResult, ResultsSummary, VerdictWord } from "@assay/model"
import { scorecard } from "@assay/report"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as Cells from "../src/Cells.ts"
import { inference, metric, summary, threeArms, tooFew } from "./examples.ts"
import { all, down, hostile, many, srmAlarm, wide, withheld } from "./situations.ts"

const card = (one: ResultsSummary, width = 80): string => scorecard(one, { width, color: false })

describe("a scorecard at 80 columns", () => {
  it("of a running experiment with three arms and metrics in all roles", () => {
    expect(scorecard(threeArms, { width: 80, color: false, now: "2026-01-15T03:00:00Z" })).toMatchInlineSnapshot(`
      "checkout-button                                                          running
      environment production · feature new_checkout
      2026-01-01 00:00 to 2026-01-15 00:00 UTC, 14 days
      as of 2026-01-15 00:00, 3 hours ago · newest event 2026-01-14 23:58

      green is winning on purchased (goal); large is losing on support_tickets
      (guardrail).

      Arms         identities   share  planned
        control        66,731  33.4 %   33.3 %
        green          66,502  33.3 %   33.3 %
        large          66,767  33.4 %   33.3 %
        1,024 identities, seen in several variants, are in no arm
      Sample ratio  no mismatch, p = 0.81 (alarm below 0.001)

      warning  1,024 of 201,024 identities were seen in more than one variant. They
               are in no arm; if one variant makes that more likely, the comparison is
               biased.
      info     12,034 of 1,204,556 rows were delivered more than once and count once.

      Goals        value     lift    interval  −6 %      +25 %   to win  verdict
      purchased  occurrence, up is good
        control   9.82 %                          ┆
        green    10.74 %   +9.4 %  +5.8…+13.0     ┆  ├●─┤       >99.9 %  winning
        large     9.91 %   +0.9 %  −2.4… +4.4    ├●─┤            70.4 %  inconclusive

      Secondary    value     lift    interval  −6 %      +25 %   to win  verdict
      revenue  sum, up is good
        control    4.237                          ┆
        green      4.581   +8.1 %  +2.9…+13.6     ┆├──●─┤        99.9 %  winning
        large      4.251   +0.3 %  −4.8… +5.7   ├─●──┤           54.9 %  inconclusive
      items_viewed  count, for information
        control    11.21                          ┆
        green      11.41   +1.8 %  +0.4… +3.3     ┆●             99.4 %  informational
        large      11.20   −0.1 %  −1.5… +1.4    ├●┤             45.6 %  informational

      Guardrails   value     lift    interval  −6 %      +25 %   to win  verdict
      support_tickets  occurrence, down is good
        control   2.13 %                          ┆
        green     2.16 %   +1.4 %  −5.8… +9.2  ├──┼●──┤          35.6 %  inconclusive
        large     2.41 %  +13.2 %  +5.2…+21.7     ┆ ├───●───┤    <0.1 %  losing

      ├─●─┤ lift over control, 95 % interval · ┆ no difference · ◄ ► beyond the axis
      winning: chance to win above 95 % · losing: below 5 % · inconclusive: between

      Still running: every look is another chance to be fooled. Of experiments without
      any effect, 38 % show a winner or a loser in at least one of 14 looks. Decide at
      the planned end."
    `)
  })

  it("of a sample ratio mismatch says first that nothing is to be trusted", () => {
    expect(card(srmAlarm)).toMatchInlineSnapshot(`
      "checkout-button                                                            ended
      environment production · feature new_checkout
      2026-01-01 00:00 to 2026-01-15 00:00 UTC, 14 days · as of 2026-01-15 00:00
      newest event 2026-01-14 23:58

      Do not trust these results: sample ratio mismatch (p = 5.8e-9).

      Arms         identities   share  planned
        control        10,412  52.1 %   50.0 %
        treatment       9,588  47.9 %   50.0 %
      Sample ratio  MISMATCH, p = 5.8e-9 (alarm below 0.001): the arms don't have the
                    sizes that were planned

      ALARM    The arms have 10,412 and 9,588 identities; 10,000 and 10,000 were
               planned. Something keeps identities out of an arm, so the arms can't be
               compared.
      info     3 rows had a value that isn't a number. They were left out.

      Goals        value     lift     interval  −6 %       +30 %   to win  verdict
      purchased  occurrence, up is good
        control   10.0 %                          ┆
        treatment 12.0 %  +20.0 %  +11.5…+28.8    ┆    ├───●──┤   >99.9 %  not trusted

      Secondary    value     lift     interval  −6 %       +30 %   to win  verdict
      revenue  sum, up is good
        control    1,235                          ┆
        treatment  1,301  not to be trusted: Too few identities in an arm to compare
                          them (have 31, need 50).

      ├─●─┤ lift over control, 95 % interval · ┆ no difference · ◄ ► beyond the axis
      winning: chance to win above 95 % · losing: below 5 % · inconclusive: between"
    `)
  })

  it("of a first day says what is missing", () => {
    expect(card(withheld)).toMatchInlineSnapshot(`
      "checkout-button                                                          running
      environment production · feature new_checkout
      2026-01-01 00:00 to 2026-01-15 00:00 UTC, 14 days · as of 2026-01-15 00:00
      newest event 2026-01-14 23:58

      Collecting data: 3 conversions in an arm; an inference takes 5.

      Arms         identities   share  planned
        control            31  52.5 %   50.0 %
        treatment          28  47.5 %   50.0 %
      Sample ratio  not checked: Too few identities to check the split (have 59, need
                    100).

      Goals         value
      purchased  occurrence, up is good
        control    9.68 %
        treatment 10.71 %  collecting data: 3 conversions in an arm; an inference
                           takes 5.

      Guardrails    value
      latency  mean, down is good
        control         0
        treatment       0  collecting data: Too few identities in an arm to compare
                           them (have 28, need 50).

      Still running: every look is another chance to be fooled. Of experiments without
      any effect, 38 % show a winner or a loser in at least one of 14 looks. Decide at
      the planned end."
    `)
  })

  it("of metrics where less is better, or neither", () => {
    expect(card(down)).toMatchInlineSnapshot(`
      "checkout-button                                                            ended
      environment production · feature new_checkout
      2026-01-01 00:00 to 2026-01-15 00:00 UTC, 14 days · as of 2026-01-15 00:00
      newest event 2026-01-14 23:58

      treatment is winning on page_load_seconds (goal).

      Arms         identities   share  planned
        control        10,012  50.1 %   50.0 %
        treatment       9,988  49.9 %   50.0 %
      Sample ratio  no mismatch, p = 0.81 (alarm below 0.001)

      Goals         value    lift    interval  −20 %      +4 %   to win  verdict
      page_load_seconds  mean, down is good
        control     1.834                                  ┆
        treatment   1.702  −7.2 %   −9.1…−5.2         ├●┤  ┆    >99.9 %  winning

      Secondary     value    lift    interval  −20 %      +4 %   to win  verdict
      pages_viewed  count, for information
        control     12.07                                  ┆
        treatment   12.31  +2.0 %   +0.2…+3.8              ┆●┤   98.6 %  informational

      Guardrails    value    lift    interval  −20 %      +4 %   to win  verdict
      errors  count, down is good
        control   0.02130                                  ┆
        treatment 0.01980  −7.0 %  −16.1…+2.7    ├─────●───┼┤    92.1 %  inconclusive

      ├─●─┤ lift over control, 95 % interval · ┆ no difference · ◄ ► beyond the axis
      winning: chance to win above 95 % · losing: below 5 % · inconclusive: between"
    `)
  })

  it("clips an interval that would make all others a dot", () => {
    expect(card(wide)).toMatchInlineSnapshot(`
      "checkout-button                                                            ended
      environment production · feature new_checkout
      2026-01-01 00:00 to 2026-01-15 00:00 UTC, 14 days · as of 2026-01-15 00:00
      newest event 2026-01-14 23:58

      treatment is winning on signed_up (goal).

      Arms         identities   share  planned
        control        10,012  50.1 %   50.0 %
        treatment       9,988  49.9 %   50.0 %
      Sample ratio  no mismatch, p = 0.81 (alarm below 0.001)

      Goals          value    lift   interval  −6 %    0    +6 %  to win  verdict
      purchased  occurrence, up is good
        control     10.0 %                             ┆
        treatment   10.1 %  +1.0 %  −1.2…+3.2        ├─┼●──┤      81.0 %  inconclusive
      signed_up  occurrence, up is good
        control     40.0 %                             ┆
        treatment   41.1 %  +2.8 %  +0.4…+5.1          ┆├──●──┤   98.9 %  winning

      Guardrails     value    lift   interval  −6 %    0    +6 %  to win  verdict
      refunds  sum, down is good
        control   0.003100                             ┆
        treatment 0.009400  +203 %   −80…+900  ◄───────┼───────►  21.0 %  inconclusive

      ├─●─┤ lift over control, 95 % interval · ┆ no difference · ◄ ► beyond the axis
      winning: chance to win above 95 % · losing: below 5 % · inconclusive: between"
    `)
  })

  it("shows hostile names as text", () => {
    expect(card(hostile)).toMatchInlineSnapshot(`
      "👩\\u200d👩\\u200d👧\\u200d👦 🇩🇪 ❤ 结账按钮                                   ended
      environment production · feature \\u202eאבג \\x1b[31mred\\x07
      2026-01-01 00:00 to 2026-01-15 00:00 UTC, 14 days · as of 2026-01-15 00:00
      newest event 2026-01-14 23:58

      Inconclusive: no treatment is winning or losing on a goal.

      Arms                                                 identities   share  planned
        \\u202eאבג \\x1b[31mred\\x07 (control)                     1,000  25.1 %   25.0 %
        👩\\u200d👩\\u200d👧\\u200d👦 🇩🇪 ❤ 结账按钮                1,010  25.3 %   25.0 %
        a-very-long-name-a-very-long-name-a-very-long-nam         990  24.8 %   25.0 %
        e-a-very-long-name-a-very-long-name-a-very-long-n
        ame-a-very-long-name-a-very-long-name-a-very-long
        -name-a-very-long-name-a-very-long-name-a-very-lo
        ng-n1
        a-very-long-name-a-very-long-name-a-very-long-nam         990  24.8 %   25.0 %
        e-a-very-long-name-a-very-long-name-a-very-long-n
        ame-a-very-long-name-a-very-long-name-a-very-long
        -name-a-very-long-name-a-very-long-name-a-very-lo
        ng-n2
      Sample ratio  no mismatch, p = 0.81 (alarm below 0.001)

      warning  Unknown variant \\u202eאבג \\x1b[31mred\\x07\\x0d\\x0a in
               a-very-long-name-a-very-long-name-a-very-long-name-a-very-long-name-a-v
               ery-long-name-a-very-long-name-a-very-long-name-a-very-long-name-a-very
               -long-name-a-very-long-name-a-very-long-name-a-very-long-n.

      Goals            value     lift     interval  −15 %  +25 %  to win  verdict
      \\u202eאבג \\x1b[31mred\\x07  occurrence, up is good
        \\u202e…ed\\x07 10.0 %                            ┆
        👩\\u20…账按钮 11.0 %  +10.0 %   −5.0…+25.0     ├┼──●───┤  90.0 %  inconclusive
        a-very…ong-n1 10.0 %    0.0 %  −15.0…+15.0  ├───●───┤     50.0 %  inconclusive
        a-very…ong-n2 10.0 %  collecting data: Too few identities in an arm to compare
                              them (have 1, need 2).

      Secondary        value     lift     interval  −15 %  +25 %  to win  verdict
      a-very-long-name-a-very-long-name-a-very-long-name-a-very-long-name-a-very-long-
      name-a-very-long-name-a-very-long-name-a-very-long-name-a-very-long-name-a-very-
      long-name-a-very-long-name-a-very-long-n
        occurrence, up is good
        \\u202e…ed\\x07      –                            ┆
        👩\\u20…账按钮      –  withheld: no result.
        a-very…ong-n1      –  withheld: no result.
        a-very…ong-n2      –  withheld: no result.

      ├─●─┤ lift over control, 95 % interval · ┆ no difference · ◄ ► beyond the axis
      winning: chance to win above 95 % · losing: below 5 % · inconclusive: between"
    `)
  })
})

describe("a scorecard", () => {
  it("at 60 columns takes two lines per comparison", () => {
    expect(card(threeArms, 60)).toMatchInlineSnapshot(`
      "checkout-button                                      running
      environment production · feature new_checkout
      2026-01-01 00:00 to 2026-01-15 00:00 UTC, 14 days
      as of 2026-01-15 00:00 · newest event 2026-01-14 23:58

      green is winning on purchased (goal); large is losing on
      support_tickets (guardrail).

      Arms         identities   share  planned
        control        66,731  33.4 %   33.3 %
        green          66,502  33.3 %   33.3 %
        large          66,767  33.4 %   33.3 %
        1,024 identities, seen in several variants, are in no arm
      Sample ratio  no mismatch, p = 0.81 (alarm below 0.001)

      warning  1,024 of 201,024 identities were seen in more than
               one variant. They are in no arm; if one variant
               makes that more likely, the comparison is biased.
      info     12,034 of 1,204,556 rows were delivered more than
               once and count once.

      Goals        value  −6 % 0              +25 %  verdict
      purchased  occurrence, up is good
        control   9.82 %       ┆
        green    10.74 %       ┆   ├──●──┤           winning
           +9.4 %  +5.8…+13.0  chance to win >99.9 %
        large     9.91 %     ├─┼●─┤                  inconclusive
           +0.9 %  −2.4… +4.4  chance to win 70.4 %

      Secondary    value  −6 % 0              +25 %  verdict
      revenue  sum, up is good
        control    4.237       ┆
        green      4.581       ┆ ├───●───┤           winning
           +8.1 %  +2.9…+13.6  chance to win 99.9 %
        large      4.251   ├───●───┤                 inconclusive
           +0.3 %  −4.8… +5.7  chance to win 54.9 %
      items_viewed  count, for information
        control    11.21       ┆
        green      11.41       ┆●┤                   informational
           +1.8 %  +0.4… +3.3  chance to win 99.4 %
        large      11.20      ├●┤                    informational
           −0.1 %  −1.5… +1.4  chance to win 45.6 %

      Guardrails   value  −6 % 0              +25 %  verdict
      support_tickets  occurrence, down is good
        control   2.13 %       ┆
        green     2.16 %  ├────┼●─────┤              inconclusive
           +1.4 %  −5.8… +9.2  chance to win 35.6 %
        large     2.41 %       ┆   ├─────●──────┤    losing
          +13.2 %  +5.2…+21.7  chance to win <0.1 %

      ├─●─┤ lift over control, 95 % interval · ┆ no difference
      ◄ ► beyond the axis
      winning: chance to win above 95 % · losing: below 5 %
      inconclusive: between

      Still running: every look is another chance to be fooled. Of
      experiments without any effect, 38 % show a winner or a
      loser in at least one of 14 looks. Decide at the planned
      end."
    `)
  })

  it("in ASCII is the same picture", () => {
    expect(scorecard(wide, { width: 80, color: false, ascii: true })).toMatchInlineSnapshot(`
      "checkout-button                                                            ended
      environment production | feature new_checkout
      2026-01-01 00:00 to 2026-01-15 00:00 UTC, 14 days | as of 2026-01-15 00:00
      newest event 2026-01-14 23:58

      treatment is winning on signed_up (goal).

      Arms         identities   share  planned
        control        10,012  50.1 %   50.0 %
        treatment       9,988  49.9 %   50.0 %
      Sample ratio  no mismatch, p = 0.81 (alarm below 0.001)

      Goals          value    lift   interval  -6 %    0    +6 %  to win  verdict
      purchased  occurrence, up is good
        control     10.0 %                             :
        treatment   10.1 %  +1.0 %  -1.2~+3.2        [-+o--]      81.0 %  inconclusive
      signed_up  occurrence, up is good
        control     40.0 %                             :
        treatment   41.1 %  +2.8 %  +0.4~+5.1          :[--o--]   98.9 %  winning

      Guardrails     value    lift   interval  -6 %    0    +6 %  to win  verdict
      refunds  sum, down is good
        control   0.003100                             :
        treatment 0.009400  +203 %   -80~+900  <-------+------->  21.0 %  inconclusive

      [-o-] lift over control, 95 % interval | : no difference | < > beyond the axis
      winning: chance to win above 95 % | losing: below 5 % | inconclusive: between"
    `)
  })

  it("of five arms and ten metrics has a line per arm and metric at 80 columns", () => {
    const lines = card(many).split("\n")
    expect(lines.filter((line) => /^ {2}(blue|green|[45]:orang…corners) .*\d %/.test(line) && /[├●]/.test(line)).length)
      .toBe(40)
  })

  it("numbers arms whose shortened names would look the same, in both tables", () => {
    const text = card(many)
    expect(text).toContain("  4:orange-with-rounded-corners ")
    expect(text).toContain("  4:orang…corners ")
  })
})

/** A metric with one verdict for the one treatment. */
const word = (id: string, role: MetricResult["role"], verdict: VerdictWord): MetricResult =>
  metric({
    id,
    role,
    direction: verdict === "informational" ? "informational" : "up",
    means: { control: 1, treatment: 1 },
    results: { treatment: [inference(0, -1, 1, 0.5), verdict] }
  })

describe("the headline", () => {
  const two = [{ key: "control", n: 100 }, { key: "treatment", n: 100 }]
  const headline = (metrics: ReadonlyArray<MetricResult>, rest: Partial<ResultsSummary> = {}): string =>
    card(summary(two, metrics, { ...rest }), 200).split("\n\n")[1] ?? ""

  it.each([
    [[word("a", "goal", "winning")], "treatment is winning on a (goal)."],
    [[word("a", "goal", "winning"), word("b", "goal", "winning")], "treatment is winning on a and b (goal)."],
    [[word("a", "goal", "losing")], "treatment is losing on a (goal)."],
    [
      [word("a", "goal", "winning"), word("g", "guardrail", "losing")],
      "treatment is winning on a (goal), but losing on g (guardrail)."
    ],
    [
      [word("a", "goal", "inconclusive"), word("s", "secondary", "winning")],
      "Inconclusive: no treatment is winning or losing on a goal."
    ],
    [[word("a", "goal", "informational")], "Nothing to decide: every goal is informational."],
    [[word("a", "secondary", "winning")], "Nothing to decide: the experiment has no goal."],
    [[word("a", "goal", "not to be trusted")], "Do not trust these results."]
  ])("of %# is as the verdicts say", (metrics, text) => {
    expect(headline(metrics)).toBe(text)
  })

  it("repeats the first alarm, whatever the verdicts", () => {
    const findings = [
      { code: "w", severity: "warning" as const, sentence: "Some rows are odd." },
      { code: "a", severity: "alarm" as const, sentence: "No events since Monday." }
    ]
    expect(headline([word("a", "goal", "winning")], { findings })).toBe(
      "Do not trust these results: No events since Monday."
    )
  })

  it("says what a first inference takes", () => {
    const waiting = metric({ id: "a", means: {}, results: { treatment: tooFew(31, 50) } })
    expect(headline([waiting])).toBe(
      "Collecting data: Too few identities in an arm to compare them (have 31, need 50)."
    )
  })
})

const name = fc.oneof(
  fc.string({ unit: "binary", minLength: 1, maxLength: 200 }),
  fc.string({ unit: "grapheme", minLength: 1, maxLength: 200 }),
  fc.constantFrom("control", "treatment", "__proto__", "constructor", "a".repeat(200), "日".repeat(100), "👩‍👩‍👧‍👦 ❤️"),
  fc.array(fc.constantFrom("\u202e", "\u001b[2J", "\r\n", "א", "日", "\u0301", "x", " ", "👍🏽", "\t"), {
    minLength: 1,
    maxLength: 60
  })
    .map((parts) => parts.join(""))
)

const plainName = fc.stringMatching(/^[a-z][a-z0-9_-]{0,30}$/)
const number = fc.oneof(
  fc.double({ min: -1, max: 2, noNaN: true }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constant(0)
)
const natural = fc.oneof(fc.nat(100_000), fc.maxSafeNat())
const chance = fc.double({ min: 0, max: 1, noNaN: true })
const verdict = fc.constantFrom<VerdictWord>(
  "winning",
  "losing",
  "inconclusive",
  "collecting data",
  "not to be trusted",
  "informational"
)

const anyInference = fc.tuple(number, number, number, chance).map(([a, b, c, chance]) => {
  const [low = 0, lift = 0, high = 0] = [a, b, c].toSorted((x, y) => x - y)
  return inference(lift, low, high, chance)
})

const anySummary = (name: fc.Arbitrary<string>): fc.Arbitrary<ResultsSummary> =>
  fc.uniqueArray(name, { minLength: 1, maxLength: 5 }).chain((keys) => {
    const anyMetric = fc.record({
      id: name,
      role: fc.constantFrom("goal" as const, "secondary" as const, "guardrail" as const),
      direction: fc.constantFrom("up" as const, "down" as const, "informational" as const),
      estimand: fc.constantFrom("proportion" as const, "mean" as const, "ratio" as const),
      aggregation: name,
      means: fc.tuple(...keys.map(() => number)).map((means) =>
        Object.fromEntries(keys.map((key, i) => [key, means[i] ?? 0]))
      ),
      results: fc.tuple(
        ...keys.map(() =>
          fc.oneof(
            fc.tuple(anyInference, verdict),
            fc.record({
              reason: fc.constant("too_few_identities" as const),
              have: natural,
              need: natural,
              sentence: name
            })
          )
        )
      ).map((results) => Object.fromEntries(keys.slice(1).map((key, i) => [key, results[i]!])))
    }).map(metric)
    return fc.record({
      metrics: fc.array(anyMetric, { maxLength: 5 }),
      arms: fc.tuple(...keys.map(() => natural)).map((ns) => keys.map((key, i) => ({ key, n: ns[i] ?? 0 }))),
      rest: fc.record({
        experiment: name,
        environment: name,
        feature: name,
        description: name,
        as_of: fc.oneof(name, fc.constant("2026-01-15T00:00:00Z")),
        state: fc.constantFrom("running" as const, "ended" as const),
        quarantined: natural,
        srm: fc.record({
          status: fc.constantFrom("ok" as const, "mismatch" as const, "withheld" as const),
          p_value: fc.option(chance),
          statistic: fc.constant(null),
          degrees_of_freedom: fc.constant(1),
          alarm_below: fc.constant(0.001)
        }),
        findings: fc.array(
          fc.record({
            code: fc.constant("x"),
            severity: fc.constantFrom("info" as const, "warning" as const, "alarm" as const),
            sentence: name
          }),
          { maxLength: 4 }
        )
      })
    }).map(({ arms, metrics, rest }) => summary(arms, metrics, rest))
  })

const width = fc.integer({ min: 60, max: 140 })

describe("every scorecard", () => {
  it("keeps within the terminal, whatever the names and numbers", () => {
    fc.assert(
      fc.property(anySummary(name), width, fc.boolean(), (one, width, ascii) => {
        for (const line of scorecard(one, { width, color: false, ascii }).split("\n")) {
          expect(Cells.width(line)).toBeLessThanOrEqual(width)
        }
      }),
      { numRuns: 100 }
    )
  })

  it("sends no control character but newlines and, with colour, SGR sequences; colour changes nothing else", () => {
    fc.assert(
      fc.property(anySummary(name), width, (one, width) => {
        const plain = scorecard(one, { width, color: false })
        expect(plain.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]/u)
        const colored = scorecard(one, { width, color: true })
        // oxlint-disable-next-line no-control-regex
        expect(colored.replace(/\u001b\[[0-9;]*m/g, "")).toBe(plain)
      }),
      { numRuns: 60 }
    )
  })

  it("in ASCII has ASCII alone, and for ASCII names the same words in the same places", () => {
    fc.assert(
      fc.property(anySummary(plainName), width, (one, width) => {
        const ascii = scorecard(one, { width, color: false, ascii: true })
        expect(ascii).toMatch(/^[\n\x20-\x7e]*$/)
        const unicode = scorecard(one, { width, color: false }).replaceAll("●", "o")
        expect(ascii.replace(/[^\n\w]/g, "?")).toBe(unicode.replace(/[^\n\w]/gu, "?"))
      }),
      { numRuns: 60 }
    )
  })

  it("never shows NaN, Infinity, undefined, or null", () => {
    fc.assert(
      fc.property(anySummary(plainName), width, (one, width) => {
        expect(scorecard(one, { width, color: false })).not.toMatch(/NaN|Infinity|∞|undefined|null|\[object/)
      }),
      { numRuns: 60 }
    )
  })

  it("says every metric, every arm and every verdict, without colour", () => {
    for (const [situation, one] of Object.entries(all)) {
      if (situation === "hostile") continue
      const text = card(one, 120)
      for (const { metric_id } of one.metrics) expect(text).toContain(`\n${metric_id}  `)
      for (const { key } of one.variants) expect(text).toContain(`  ${key} `)
    }
  })

  it("takes a width below 60 as 60", () => {
    expect(card(threeArms, 10)).toBe(card(threeArms, 60))
  })
})
