/** `CLICKHOUSE_URL=… node --conditions=@assay/source examples/service/src/main.ts` */
import { Warehouse } from "@assay/warehouse"
import { Layer } from "effect"
import { jsonLines } from "./jsonLines.ts"
import { service } from "./service.ts"

const { close, server } = service(
  Layer.merge(
    Warehouse.layer({ url: process.env["CLICKHOUSE_URL"] ?? "http://127.0.0.1:8123" }),
    jsonLines("results.jsonl")
  )
)
server.listen(Number(process.env["PORT"] ?? 8080), () => console.error("listening"))
process.once("SIGTERM", () => void close())
