/** Real ClickHouse servers in containers: one, or three with a cluster; and a network between that fails. */
export { type Cluster, startCluster } from "./cluster.ts"
export { type User, users } from "./configuration.ts"
export { engineAnswers } from "./engine.ts"
export { imageName, officialImage } from "./image.ts"
export { type Fault, faultyProxy, type Proxy } from "./proxy.ts"
export { countOwned, removeLeftovers, removeOwned } from "./removal.ts"
export { type Server, startServer } from "./server.ts"
