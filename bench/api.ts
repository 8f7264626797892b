/**
 * Benchmarks of the API server from a client's view: over HTTPS, in a separate process, with the complete request path. `node
 * bench/api.ts [PART…]`; also measures a kube-apiserver if `WHERRY_BENCH_PEER` names its kubeconfig.
 */
import * as chart from "./api/chart.ts";
import * as creation from "./api/creation.ts";
import * as informers from "./api/informers.ts";
import * as memory from "./api/memory.ts";
import * as operations from "./api/operations.ts";
import { peerServer, type Server, startWherry } from "./api/servers.ts";
import { stageTable } from "./api/stages.ts";
import { type Row, table } from "./api/table.ts";
import * as watchers from "./api/watchers.ts";

/** Parts that also run against the peer; each starts with a new server. */
const compared: Record<string, (servers: readonly Server[]) => Promise<Row[]>> = {
  operations: operations.run,
  creation: creation.run,
  watchers: watchers.run,
  chart: chart.run,
};
/** Parts that start their own servers. */
const own: Record<string, () => Promise<Row[]>> = { memory: memory.run, informers: informers.run };

async function beside(run: (servers: readonly Server[]) => Promise<Row[]>): Promise<Row[]> {
  const servers = [await startWherry()];
  try {
    const peer = await peerServer();
    if (peer) servers.push(peer);
    return await run(servers);
  } finally {
    for (const server of servers) await server.stop();
  }
}

const asked = process.argv.slice(2);
const names = [...Object.keys(compared), ...Object.keys(own), "stages"];
const strange = asked.filter((name) => !names.includes(name));
if (strange.length > 0) throw new Error(`no part ${strange.join(", ")}; there are ${names.join(", ")}`);
const rows: Row[] = [];
let stages = "";
for (const name of names) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  const began = performance.now();
  const run = compared[name];
  try {
    if (name === "stages") stages = await stageTable();
    else rows.push(...(await (run ? beside(run) : (own[name] as () => Promise<Row[]>)())));
    process.stderr.write(`${name}: measured in ${((performance.now() - began) / 1000).toFixed(0)} s\n`);
  } catch (error) {
    // The other parts' results are kept.
    console.error(`${name}:`, error);
    process.exitCode = 1;
  }
}
if (rows.length > 0) process.stdout.write(`${table(rows)}\n`);
if (stages !== "") process.stdout.write(`${rows.length > 0 ? "\n" : ""}${stages}\n`);
