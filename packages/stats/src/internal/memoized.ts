/** A function of few different arguments that keeps each of its values. */
export const memoized = <A, B>(f: (a: A) => B): (a: A) => B => {
  const values = new Map<A, B>()
  return (a) => {
    if (!values.has(a)) values.set(a, f(a))
    return values.get(a)!
  }
}
