/** What tests configure on a server: files for users.d and config.d, the same in the official image and in ours. */

/** A user of the tests: how to log in. */
export interface User {
  readonly name: string
  readonly password: string
}

/** The users of each server. Their passwords are for tests to find, should one leak. */
export const users = {
  /** May do everything. */
  admin: { name: "admin", password: "adm1n-Passw0rd" },
  /** Reads the database `shop` under a profile with readonly = 2: what Assay asks for. */
  reader: { name: "reader", password: "r3ader-Passw0rd" },
  /** The same with readonly = 1, which forbids the settings that Assay sends. */
  frozen: { name: "frozen", password: "fr0zen-Passw0rd" },
  /** Sees the database `shop`, without SELECT on its table `events`. */
  stranger: { name: "stranger", password: "str4nger-Passw0rd" },
  /** May have one query at a time. */
  lonely: { name: "lonely", password: "l0nely-Passw0rd" },
  /** Spills each GROUP BY to a disk that is full. */
  spiller: { name: "spiller", password: "sp1ller-Passw0rd" }
} as const satisfies Readonly<Record<string, User>>

const user = ({ name, password }: User, profile: string, grants: ReadonlyArray<string>) => `
    <${name}>
      <password>${password}</password>
      <networks><ip>::/0</ip></networks>
      <profile>${profile}</profile>
      <quota>default</quota>${grants.length === 0 ? "\n      <access_management>1</access_management>" : ""}${
  grants.length === 0
    ? ""
    : `\n      <grants>${grants.map((grant) => `<query>${grant}</query>`).join("")}</grants>`
}
    </${name}>`

const reading = [
  "GRANT SELECT ON shop.*",
  "GRANT CLUSTER ON *.*",
  "GRANT REMOTE ON *.*",
  "GRANT CREATE TEMPORARY TABLE ON *.*"
]

/** For users.d. */
export const usersXml = `<clickhouse>
  <profiles>
    <default><function_sleep_max_microseconds_per_block>0</function_sleep_max_microseconds_per_block></default>
    <readonly_two><readonly>2</readonly></readonly_two>
    <readonly_one><readonly>1</readonly></readonly_one>
    <one_query><max_concurrent_queries_for_user>1</max_concurrent_queries_for_user></one_query>
    <spilling><max_bytes_before_external_group_by>1</max_bytes_before_external_group_by></spilling>
  </profiles>
  <users>${user(users.admin, "default", [])}${user(users.reader, "readonly_two", reading)}${
  user(users.frozen, "readonly_one", reading)
}${user(users.stranger, "readonly_two", ["GRANT SHOW ON shop.*"])}${
  user(users.lonely, "one_query", ["GRANT SELECT ON *.*"])
}${user(users.spiller, "spilling", ["GRANT SELECT ON *.*", "GRANT CREATE TEMPORARY TABLE ON *.*"])}
  </users>
</clickhouse>
`

/** For config.d: a cluster of one shard a host, each without replicas. */
export const clusterXml = (name: string, hosts: ReadonlyArray<string>): string =>
  `<clickhouse>
  <remote_servers>
    <${name}>${
    hosts.map((host) => `
      <shard><replica>
        <host>${host}</host><port>9000</port>
        <user>${users.admin.name}</user><password>${users.admin.password}</password>
      </replica></shard>`).join("")
  }
    </${name}>
  </remote_servers>
</clickhouse>
`
