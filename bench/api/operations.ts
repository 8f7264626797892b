/** Processor time per operation, over TLS, with authentication, authorization and durable writes. */
import { drive, median, quantile } from "./client.ts";
import { podBody } from "./pod.ts";
import { processorTime } from "./process.ts";
import type { Server } from "./servers.ts";

export interface Cost {
  /** Microseconds of processor time per unit; the median of the rounds. */
  us: number;
  perSecond: number;
  p50: number;
  p99: number;
}

interface Operation {
  name: string;
  /** In microseconds. */
  goal: number;
  /** Requests before anything is measured, and in each round. */
  warm: number;
  count: number;
  clients: number;
  /** What one request counts for. */
  units?(server: Server): Promise<number>;
  prepare?(server: Server): Promise<unknown>;
  run(server: Server, client: number, serial: number): Promise<unknown>;
  /** What the bare server is asked instead; absent where there is nothing to compare. */
  bare?: { method: string; body?: string };
}

const rounds = 5;
const namespace = "wherry-bench";
const pods = `/api/v1/namespaces/${namespace}/pods`;
const clients = 64;

const merge = "application/merge-patch+json";
const mine = (client: number): string => `${pods}/upd-${client}`;

const eachClientsPod = (server: Server): Promise<unknown> =>
  drive(clients, 8, (_, i) => server.client.request("POST", pods, podBody("name", `upd-${i}`)));

const patchBody = (serial: number): string => JSON.stringify({ metadata: { labels: { n: String(serial) } } });

/** A pod as a client sees it, to be written back with one label changed. */
const seen = new Map<string, { metadata: { labels: Record<string, string> } }>();

const operations: readonly Operation[] = [
  {
    name: "create a pod",
    goal: 300,
    warm: 3000,
    count: 1000,
    clients,
    run: ({ client }) => client.ok("POST", pods, podBody("generateName", "load-")),
    bare: { method: "POST", body: podBody("generateName", "load-") },
  },
  {
    name: "get a pod",
    goal: 80,
    warm: 4000,
    count: 4000,
    clients,
    prepare: eachClientsPod,
    run: ({ client }, i) => client.ok("GET", mine(i)),
    bare: { method: "GET" },
  },
  {
    name: "patch a pod (merge)",
    goal: 400,
    warm: 2000,
    count: 1000,
    clients,
    run: ({ client }, i, serial) => client.ok("PATCH", mine(i), patchBody(serial), merge),
    bare: { method: "PATCH", body: patchBody(1) },
  },
  {
    name: "patch a pod (strategic)",
    goal: 400,
    warm: 1000,
    count: 1000,
    clients,
    run: ({ client }, i, serial) =>
      client.ok("PATCH", mine(i), patchBody(serial), "application/strategic-merge-patch+json"),
    bare: { method: "PATCH", body: patchBody(1) },
  },
  {
    name: "patch a pod (JSON)",
    goal: 400,
    warm: 1000,
    count: 1000,
    clients,
    run: ({ client }, i, serial) =>
      client.ok(
        "PATCH",
        mine(i),
        JSON.stringify([{ op: "add", path: "/metadata/labels/n", value: String(serial) }]),
        "application/json-patch+json",
      ),
    bare: { method: "PATCH", body: patchBody(1) },
  },
  {
    name: "update a pod",
    goal: 400,
    warm: 1000,
    count: 1000,
    clients,
    async prepare({ client }) {
      seen.clear();
      for (let i = 0; i < clients; i++) {
        const pod = JSON.parse((await client.ok("GET", mine(i))).body.toString()) as {
          metadata: { labels: Record<string, string>; resourceVersion?: string };
        };
        delete pod.metadata.resourceVersion;
        seen.set(mine(i), pod);
      }
    },
    run({ client }, i, serial) {
      const pod = seen.get(mine(i));
      if (pod) pod.metadata.labels.n = String(serial);
      return client.ok("PUT", mine(i), JSON.stringify(pod));
    },
    bare: { method: "PUT", body: podBody("name", "a") },
  },
  {
    name: "one listed pod",
    goal: 5,
    warm: 10,
    count: 6,
    clients: 4,
    units: listed,
    run: ({ client }) => client.ok("GET", `${pods}?resourceVersion=0`),
  },
  {
    name: "list of these pods whose selector matches nothing",
    goal: 700,
    warm: 200,
    count: 100,
    clients: 4,
    run: ({ client }) => client.ok("GET", `${pods}?resourceVersion=0&labelSelector=app%3Dnone`),
  },
];

async function listed({ client }: Server): Promise<number> {
  const { body } = await client.ok("GET", `${pods}?resourceVersion=0`);
  return (JSON.parse(body.toString()) as { items: unknown[] }).items.length;
}

async function prepareNamespace({ client }: Server): Promise<void> {
  await client.request("POST", "/api/v1/namespaces", JSON.stringify({ metadata: { name: namespace } }));
  const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`;
  await client.request("POST", accounts, JSON.stringify({ metadata: { name: "default" } }));
}

async function measured(
  server: Server,
  count: number,
  clientCount: number,
  run: Operation["run"],
  units: number,
) {
  const before = processorTime(server.pids);
  const began = performance.now();
  const times = await drive(count, clientCount, (client) => run(server, client, serial++));
  const seconds = (performance.now() - began) / 1000;
  return {
    us: (processorTime(server.pids) - before) / (count * units),
    perSecond: count / seconds,
    p50: quantile(times, 0.5),
    p99: quantile(times, 0.99),
  };
}

let serial = 0;

export interface OperationCosts {
  name: string;
  goal: number;
  /** In the order of the servers; undefined where the operation makes no sense. */
  costs: (Cost | undefined)[];
}

/** Every server is asked in turn, round after round, so that all see the same machine. `bare` says which one is. */
export async function operationCosts(servers: readonly Server[], bare: Server): Promise<OperationCosts[]> {
  for (const server of servers) if (server !== bare) await prepareNamespace(server);
  const found: OperationCosts[] = [];
  for (const operation of operations) {
    const { name, goal, warm, count, clients: many } = operation;
    const rows = new Map<Server, Cost[]>();
    const runs = new Map<Server, Operation["run"]>();
    const units = new Map<Server, number>();
    for (const server of servers) {
      const asked = operation.bare;
      if (server === bare && !asked) continue;
      const run: Operation["run"] =
        server === bare ? () => server.client.ok(asked?.method ?? "GET", pods, asked?.body) : operation.run;
      runs.set(server, run);
      rows.set(server, []);
      if (server !== bare) await operation.prepare?.(server);
      units.set(server, server === bare ? 1 : ((await operation.units?.(server)) ?? 1));
      await measured(server, warm, many, run, 1);
    }
    for (let round = 0; round < rounds; round++) {
      for (const [server, run] of runs)
        rows.get(server)?.push(await measured(server, count, many, run, units.get(server) ?? 1));
    }
    const middle = (costs: Cost[] | undefined): Cost | undefined =>
      costs && {
        us: median(costs.map((each) => each.us)),
        perSecond: median(costs.map((each) => each.perSecond)),
        p50: median(costs.map((each) => each.p50)),
        p99: median(costs.map((each) => each.p99)),
      };
    found.push({ name, goal, costs: servers.map((server) => middle(rows.get(server))) });
  }
  return found;
}

/** Takes away what the operations left at a server that goes on. */
export async function cleanUp({ client }: Server): Promise<void> {
  await client.request("DELETE", `/api/v1/namespaces/${namespace}`);
}
