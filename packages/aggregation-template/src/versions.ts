/** Third-party packages that a new aggregation is made with, in the versions that Assay itself is made with. */
export const thirdParty = {
  "@types/node": "24.10.1",
  chdb: "3.4.0",
  typescript: "7.0.2",
  vitest: "5.1.1"
} as const
