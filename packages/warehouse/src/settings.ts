/** The settings that every query runs under, so that no profile changes a result or cuts it short. */
import { GRACE_MILLIS, receiveSeconds } from "./limits.ts"
import type { WarehouseLimits } from "./WarehouseConfig.ts"

/** Settings by name, in the form that the client takes. */
export type Settings = Readonly<Record<string, string | number>>

/** Meaning and form of results, and no silent truncation: nothing is limited, and each limit of a profile throws. */
export const pinnedSettings: Settings = {
  join_use_nulls: 0,
  aggregate_functions_null_for_empty: 0,
  group_by_use_nulls: 0,
  output_format_json_quote_64bit_integers: 1,
  output_format_json_quote_denormals: 1,
  output_format_json_quote_decimals: 1,
  date_time_output_format: "simple",
  session_timezone: "UTC",
  skip_unavailable_shards: 0,
  extremes: 0,
  limit: 0,
  offset: 0,
  max_result_rows: 0,
  max_result_bytes: 0,
  result_overflow_mode: "throw",
  read_overflow_mode: "throw",
  timeout_overflow_mode: "throw",
  group_by_overflow_mode: "throw",
  sort_overflow_mode: "throw",
  set_overflow_mode: "throw",
  join_overflow_mode: "throw",
  distinct_overflow_mode: "throw",
  transfer_overflow_mode: "throw"
}

/**
 * What goes to disk when a query takes more memory than this. The join is a grace hash join, whose buckets go to disk, and
 * ClickHouse's usual one where it can't be.
 */
export const spillSettings = (bytes: number): Settings => ({
  max_bytes_before_external_group_by: bytes,
  max_bytes_before_external_sort: bytes,
  join_algorithm: "grace_hash,hash",
  max_bytes_in_join: bytes
})

/**
 * A configuration's limits as ClickHouse's settings; what is absent is left to the server's profile. While a server waits for
 * another node it doesn't look at `max_execution_time`, so a node that hangs has a limit of its own.
 */
export const limitSettings = (limits: WarehouseLimits & { readonly seconds: number }): Settings => ({
  max_execution_time: limits.seconds,
  receive_timeout: receiveSeconds(limits.seconds),
  ...(limits.memory_bytes === undefined ? {} : { max_memory_usage: limits.memory_bytes }),
  ...(limits.rows === undefined ? {} : { max_rows_to_read: limits.rows }),
  ...(limits.bytes === undefined ? {} : { max_bytes_to_read: limits.bytes }),
  ...(limits.spill_bytes === undefined ? {} : spillSettings(limits.spill_bytes))
})

/**
 * What HTTP needs besides: the answer is sent when it is whole, so an error always has its status; headers meanwhile keep
 * the connection alive (rarely enough to stay below Node's 16 kB of headers); a client that hangs up stops its query.
 */
export const httpSettings = (seconds: number): Settings => ({
  wait_end_of_query: 1,
  send_progress_in_http_headers: 1,
  http_headers_progress_interval_ms: Math.ceil(Math.max(GRACE_MILLIS / 3, seconds * 25)),
  cancel_http_readonly_queries_on_client_close: 1
})

const literal = (value: string | number): string =>
  typeof value === "number" ? String(value) : `'${value.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`

/**
 * A statement's text with its settings in front, for the embedded engine. Its connection would send a `SET` for each
 * setting (10 ms a query instead of 3) and not escape backslashes.
 */
export const withSettings = (text: string, settings: Settings): string =>
  `SET ${
    Object.entries(settings)
      .map(([name, value]) => `\`${name.replaceAll(/\W/g, "_")}\` = ${literal(value)}`)
      .join(", ")
  }; ${text}`
