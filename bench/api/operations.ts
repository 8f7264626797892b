/** Processor time per operation, over TLS, with authentication, authorization and durable writes. */
import { drive, median } from "./client.ts";
import { podBody } from "./pod.ts";
import { processorTime } from "./process.ts";
import { makeNamespace, removeNamespace, type Server } from "./servers.ts";
import type { Row } from "./table.ts";

export interface Operation {
  name: string;
  /** In microseconds of processor time. */
  /** Absent where none is set. */
  goal?: number;
  /** Requests for warm-up, and in each round. */
  warm: number;
  count: number;
  clients: number;
  /** Number of operations that a request counts as. */
  units?(server: Server): Promise<number>;
  prepare?(server: Server): Promise<unknown>;
  run(server: Server, client: number, serial: number): Promise<unknown>;
}

const rounds = 3;
const clients = 64;
const namespace = "bench-operations";
const pods = `/api/v1/namespaces/${namespace}/pods`;
const merge = "application/merge-patch+json";
const strategic = "application/strategic-merge-patch+json";
const mine = (client: number): string => `${pods}/upd-${client}`;

const eachClientsPod = (server: Server): Promise<unknown> =>
  drive(clients, 8, (_, i) => server.client.request("POST", pods, podBody("name", `upd-${i}`)));

const patchBody = (serial: number): string => JSON.stringify({ metadata: { labels: { n: String(serial) } } });

interface Seen {
  metadata: { labels: Record<string, string>; resourceVersion?: string };
}

/** Pods as a client reads them, for updates with one changed label. */
const seen = new WeakMap<Server, Map<string, Seen>>();

async function lookAtPods(server: Server): Promise<void> {
  await eachClientsPod(server);
  const pods = new Map<string, Seen>();
  seen.set(server, pods);
  for (let i = 0; i < clients; i++) {
    const pod = JSON.parse((await server.client.ok("GET", mine(i))).body.toString()) as Seen;
    delete pod.metadata.resourceVersion;
    pods.set(mine(i), pod);
  }
}

async function listed({ client }: Server): Promise<number> {
  const { body } = await client.ok("GET", `${pods}?resourceVersion=0`);
  return (JSON.parse(body.toString()) as { items: unknown[] }).items.length;
}

/** In this order: lists return the created objects. */
const operations = {
  create: {
    name: "create a pod",
    goal: 300,
    warm: 2000,
    count: 1000,
    clients,
    run: ({ client }) => client.ok("POST", pods, podBody("generateName", "load-")),
  },
  get: {
    name: "get a pod",
    goal: 80,
    warm: 3000,
    count: 3000,
    clients,
    prepare: eachClientsPod,
    run: ({ client }, i) => client.ok("GET", mine(i)),
  },
  update: {
    name: "update a pod",
    warm: 2000,
    count: 1000,
    clients,
    prepare: lookAtPods,
    run(server, i, serial) {
      const pod = seen.get(server)?.get(mine(i));
      if (pod) pod.metadata.labels.n = String(serial);
      return server.client.ok("PUT", mine(i), JSON.stringify(pod));
    },
  },
  patch: {
    name: "patch a pod (merge)",
    goal: 400,
    warm: 2000,
    count: 1000,
    clients,
    prepare: eachClientsPod,
    run: ({ client }, i, serial) => client.ok("PATCH", mine(i), patchBody(serial), merge),
  },
  strategicPatch: {
    name: "patch a pod (strategic)",
    goal: 400,
    warm: 2000,
    count: 1000,
    clients,
    prepare: eachClientsPod,
    run: ({ client }, i, serial) => client.ok("PATCH", mine(i), patchBody(serial), strategic),
  },
  list: {
    name: "one listed pod",
    goal: 5,
    warm: 8,
    count: 12,
    clients: 4,
    units: listed,
    run: ({ client }) => client.ok("GET", `${pods}?resourceVersion=0`),
  },
  packedList: {
    name: "one listed pod, packed with gzip",
    goal: 5,
    warm: 8,
    count: 12,
    clients: 4,
    units: listed,
    run: ({ client }) =>
      client.ok("GET", `${pods}?resourceVersion=0`, undefined, undefined, { "accept-encoding": "gzip" }),
  },
  select: {
    name: "a list of these 5,000 pods whose selector matches nothing",
    goal: 700,
    warm: 100,
    count: 100,
    clients: 4,
    run: ({ client }) => client.ok("GET", `${pods}?resourceVersion=0&labelSelector=app%3Dnone`),
  },
} satisfies Record<string, Operation>;

/** The operations measured by stages. */
export const written: Record<string, Operation> = {
  create: operations.create,
  get: operations.get,
  update: operations.update,
};

let serial = 0;

/** Runs the operation with this number of requests and clients. */
export const repeat = (server: Server, { run, clients: many }: Operation, count: number): Promise<number[]> =>
  drive(count, many, (client) => run(server, client, serial++));

async function measured(server: Server, operation: Operation, units: number): Promise<number> {
  const before = processorTime(server.pids);
  await repeat(server, operation, operation.count);
  return (processorTime(server.pids) - before) / (operation.count * units);
}

export async function prepare(server: Server): Promise<void> {
  await makeNamespace(server, namespace);
}

/** Servers alternate in rounds, so that all have the same conditions; returns the median of the rounds. */
export async function run(servers: readonly Server[]): Promise<Row[]> {
  for (const server of servers) await prepare(server);
  const rows: Row[] = [];
  for (const operation of Object.values<Operation>(operations)) {
    const found = servers.map((): number[] => []);
    const units: number[] = [];
    for (const server of servers) {
      await operation.prepare?.(server);
      units.push((await operation.units?.(server)) ?? 1);
      await repeat(server, operation, operation.warm);
    }
    for (let round = 0; round < rounds; round++) {
      for (const [i, server] of servers.entries()) {
        found[i]?.push(await measured(server, operation, units[i] ?? 1));
      }
    }
    const [wherry = Number.NaN, peer] = found.map(median);
    rows.push({ what: operation.name, unit: "us CPU", goal: operation.goal, wherry, peer });
  }
  for (const server of servers) await removeNamespace(server, namespace);
  return rows;
}
