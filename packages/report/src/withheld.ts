/** Why a number isn't there, in words. */
import type { WireWithheld } from "@assay/model"
import * as Numbers from "./Numbers.ts"

/** The sentence, and what there is and what it takes where the sentence doesn't say so itself. */
export const withheldSentence = (withheld: WireWithheld, visible: (text: string) => string): string => {
  const sentence = visible(withheld.sentence)
  const figures = [withheld.have, withheld.need]
  const numbers: ReadonlyArray<string> = sentence.match(/\d[\d,]*(\.\d+)?/g) ?? []
  const said = figures.every((n) => numbers.includes(String(n)) || numbers.includes(Numbers.count(n)))
  return said ?
    sentence :
    `${sentence.replace(/\.$/, "")} (have ${Numbers.count(withheld.have)}, need ${Numbers.count(withheld.need)}).`
}
