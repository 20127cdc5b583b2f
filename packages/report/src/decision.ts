/** The decision of a summary on a terminal: what to do, and why. */
import type { Decision, DecisionWord } from "@assay/model"
import { type Line, paragraph, span, type Style } from "./Line.ts"

const styles: Readonly<Record<DecisionWord, Style>> = {
  ship: "good",
  "do not ship": "bad",
  "keep running": "strong",
  "do not trust": "alarm"
}

/** The word with the treatment that it names, in capitals as far as it is ours. */
const titleOf = ({ decision, variant }: Decision, visible: (text: string) => string): string =>
  `${decision.toUpperCase()}${variant === null ? "" : ` ${visible(variant)}`}`

const bullet = "  - "

/** More reasons than this are left to the report and to `--json`. */
const mostReasons = 8

/**
 * The decision in lines: the word, its reasons, and for each treatment that is decided otherwise the word and what decided. Reasons that
 * speak of a treatment name it where there are several.
 */
export const decisionLines = (
  decision: Decision,
  width: number,
  visible: (text: string) => string
): ReadonlyArray<Line> => {
  const several = decision.treatments.length > 1 && decision.variant === null
  const reasons = decision.reasons.map(({ sentence, variant }) =>
    several && variant !== undefined ? `${visible(variant)}: ${visible(sentence)}` : visible(sentence)
  )
  const others = decision.treatments.filter((one) => one.decision !== decision.decision)
  const more = reasons.length - mostReasons
  return [
    ...paragraph(titleOf(decision, visible), width, {
      lead: span("Decision  ", "strong"),
      style: styles[decision.decision]
    }),
    ...reasons.slice(0, mostReasons).flatMap((text) => paragraph(text, width, { lead: span(bullet, "dim") })),
    ...(more > 0 ? paragraph(`and ${more} more`, width, { lead: span(bullet, "dim"), style: "dim" }) : []),
    ...others.flatMap((one) =>
      paragraph(`${visible(one.variant)}: ${one.decision}. ${visible(one.reasons[0].sentence)}`, width, {
        lead: span(bullet, "dim")
      })
    )
  ]
}
