/** The part of jstat that `distributions.ts` uses; the package has no types of its own. */
declare module "jstat" {
  interface Normal {
    cdf(x: number, mean: number, standardDeviation: number): number
    inv(p: number, mean: number, standardDeviation: number): number
  }
  const jstat: { readonly normal: Normal }
  export default jstat
}
