/** Three servers in a network of their own, with a cluster `assay` of one shard each. */
import { getContainerRuntimeClient, StartedNetwork } from "testcontainers"
import { guard, owner, ownLabels } from "./removal.ts"
import { type Server, startServer } from "./server.ts"

/** A cluster that runs; `nodes` are its shards in their order, and each answers for the whole. */
export interface Cluster {
  readonly name: "assay"
  readonly nodes: readonly [Server, Server, Server]
  readonly remove: () => Promise<void>
}

const hosts = ["node1", "node2", "node3"] as const

/** Starts the three servers. */
export const startCluster = async (): Promise<Cluster> => {
  guard()
  const client = await getContainerRuntimeClient()
  const name = `assay-${owner.replaceAll(/\W/g, "-")}-${Date.now()}`
  const created = await client.network.create({ Name: name, Driver: "bridge", Labels: ownLabels })
  const network = new StartedNetwork(client, name, created)
  const [first, second, third] = hosts.map((host) => startServer({ network: { network, name: host }, hosts }))
  const nodes = await Promise.all([first!, second!, third!] as const)
  return {
    name: "assay",
    nodes,
    remove: async () => {
      await Promise.all(nodes.map((node) => node.remove()))
      await network.stop()
    }
  }
}
