/** Latency of creations with 64 concurrent clients. */
import { drive, quantile } from "./client.ts";
import { podBody } from "./pod.ts";
import { makeNamespace, removeNamespace, type Server } from "./servers.ts";
import type { Row } from "./table.ts";

const namespace = "bench-creation";
const pods = `/api/v1/namespaces/${namespace}/pods`;
const clients = 64;
const count = 4000;
const goalMs = 30;

async function times(server: Server): Promise<readonly number[]> {
  await makeNamespace(server, namespace);
  const create = () => server.client.ok("POST", pods, podBody("generateName", "load-"));
  await drive(count / 2, clients, create);
  const taken = await drive(count, clients, create);
  await removeNamespace(server, namespace);
  return taken;
}

export async function run(servers: readonly Server[]): Promise<Row[]> {
  const wherry = await times(servers[0] as Server);
  const peer = servers[1] && (await times(servers[1]));
  return [0.5, 0.99].map((q) => ({
    what: `create with ${clients} clients, p${q * 100}`,
    unit: "ms",
    ...(q === 0.99 ? { goal: goalMs } : {}),
    wherry: quantile(wherry, q),
    ...(peer ? { peer: quantile(peer, q) } : {}),
  }));
}
