/** From the text of a JSONCompact document to rows by column name. */
import { DecodeError, type WarehouseError, WarehouseUnavailable } from "@assay/model"
import { parseError } from "@clickhouse/client"
import { Result, Schema } from "effect"
import { classifyError, type FailureContext } from "./classifyError.ts"

/** One row: a value by column name, as JSON (64-bit integers, decimals and denormals are text). */
export type Row = Readonly<Record<string, unknown>>

/**
 * What a query cost. `rowsRead` and `bytesRead` are uncompressed and before filters, as ClickHouse counts them.
 * `peakMemoryBytes` is the most memory that it took on the server that answered; absent where nobody says.
 */
export interface QueryStatistics {
  readonly queryId: string
  readonly rowsRead: number
  readonly bytesRead: number
  readonly peakMemoryBytes?: number
  readonly durationMs: number
}

/** All rows of a query, never a part of them, and what it cost. */
export interface QueryResult {
  readonly rows: ReadonlyArray<Row>
  readonly statistics: QueryStatistics
}

const Document = Schema.Struct({
  meta: Schema.Array(Schema.Struct({ name: Schema.String, type: Schema.String })),
  data: Schema.Array(Schema.Array(Schema.Unknown)),
  rows: Schema.Finite,
  statistics: Schema.Struct({ elapsed: Schema.Finite, rows_read: Schema.Finite, bytes_read: Schema.Finite })
})

const decodeDocument = Schema.decodeUnknownResult(Schema.fromJsonString(Document))

/** ClickHouse writes what fails after the first byte of an answer into its body, as text or under the key `exception`. */
export const exception = /Code: \d+\..{0,20}Exception: /s

const broken = (text: string, context: FailureContext): WarehouseError => {
  if (exception.test(text)) return classifyError(parseError(text.slice(text.search(exception))), context)
  if (/\}\s*\{\s*"meta"/.test(text)) {
    return new DecodeError({
      message: "ClickHouse gave more than one answer.",
      hint: "Send one statement at a time (look for a semicolon)."
    })
  }
  if (/^\s*\{\s*"meta"/.test(text) || text === "") {
    return new WarehouseUnavailable({
      message: `ClickHouse's answer broke off after ${text.length} characters.`,
      hint: "Try again; if it stays, look for a time limit in the proxy in front of ClickHouse.",
      ...(context.queryId === undefined ? {} : { queryId: context.queryId })
    })
  }
  return new DecodeError({
    message: "The answer isn't a result of ClickHouse.",
    hint: "Check warehouse.url in assay.config.ts: something else may answer there (a proxy, a login page)."
  })
}

/**
 * The rows of a JSONCompact document. Only a whole one counts: a body that broke off or ends in an exception is that
 * error, and a number of rows other than the stated one, or two columns of the same name, is a `DecodeError`.
 */
export const decodeResult = (
  text: string,
  context: FailureContext,
  peakMemoryBytes?: number
): Result.Result<QueryResult, WarehouseError> => {
  const decoded = decodeDocument(text)
  if (Result.isFailure(decoded)) return Result.fail(broken(text, context))
  const { data, meta, rows, statistics } = decoded.success
  const names = meta.map((column) => column.name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) {
    return Result.fail(
      new DecodeError({ message: `Two columns are named ${twice}.`, hint: "Give each column a name." })
    )
  }
  if (data.length !== rows || data.some((row) => row.length !== names.length)) {
    const message = `The answer states ${rows} rows of ${names.length} columns and holds others (${data.length} rows).`
    return Result.fail(new DecodeError({ message, hint: "Try again; if it stays, please report it." }))
  }
  return Result.succeed({
    rows: data.map((row) => Object.fromEntries(names.map((name, index) => [name, row[index]]))),
    statistics: {
      queryId: context.queryId ?? "",
      rowsRead: statistics.rows_read,
      bytesRead: statistics.bytes_read,
      ...(peakMemoryBytes === undefined ? {} : { peakMemoryBytes }),
      durationMs: statistics.elapsed * 1000
    }
  })
}
