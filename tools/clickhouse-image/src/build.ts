/** `node tools/clickhouse-image/src/build.ts`: builds the image where it isn't there yet, and prints its name. */
import { buildImage } from "./buildImage.ts"

console.log(buildImage())
