/** Records by keys that people choose. */

/**
 * A record with a value for each key. What `Object.fromEntries` of pairs gives, also for a key such as `__proto__`, at a quarter of its time:
 * results hold very many small records by variant.
 */
export const recordOf = <A>(keys: ReadonlyArray<string>, value: (key: string) => A): Readonly<Record<string, A>> => {
  const record: Record<string, A> = {}
  for (const key of keys) {
    // An assignment would set the prototype.
    if (key === "__proto__") {
      Object.defineProperty(record, key, { value: value(key), configurable: true, enumerable: true, writable: true })
    } else record[key] = value(key)
  }
  return record
}
