/** The levels that tell how a quantile would move if the part of values below it did. */

/** Levels have so many decimals: more are of no use below 10¹¹ independent values. */
const decimals = 6

/** Levels on each side of a quantile. */
const perSide = 90

/**
 * Levels around that of a quantile, rising from 0 to 1, itself among them: their distances from it shrink by the same factor (at
 * most 1.17) down to 1e-6, so that there are levels enough within its standard error, whatever that is.
 *
 * @throws RangeError unless the level lies within 0.001 and 0.999 and has at most six decimals.
 */
export const levelsAround = (level: number): ReadonlyArray<number> => {
  const rounded = (x: number) => Number(x.toFixed(decimals))
  if (!(level >= 0.001 && level <= 0.999) || rounded(level) !== level) {
    throw new RangeError(`A level lies within 0.001 and 0.999 and has at most ${decimals} decimals, found ${level}`)
  }
  const distances = (room: number) =>
    Array.from({ length: perSide }, (_, i) => room * (10 ** -decimals / room) ** (i / (perSide - 1)))
  return [
    ...new Set([
      ...distances(level).map((distance) => rounded(level - distance)),
      level,
      ...distances(1 - level).toReversed().map((distance) => rounded(level + distance))
    ])
  ]
}
