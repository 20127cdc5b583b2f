/** A ClickHouse server image made of npm's libchdb, for machines that can't pull the official one. */
export { buildImage } from "./buildImage.ts"
export { librariesIn } from "./librariesIn.ts"
export { tagOf } from "./tagOf.ts"
