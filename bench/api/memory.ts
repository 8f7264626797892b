/** Memory with many pods, and the duration of listing them. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { openStore } from "../../src/cluster/compose/open-store.ts";
import { systemClock } from "../../src/machinery/index.ts";
import { drive, median } from "./client.ts";
import { plainPodBody, podBody } from "./pod.ts";
import { residentMemory } from "./process.ts";
import { makeNamespace, newFolder, type Server, startWherry } from "./servers.ts";
import type { Row } from "./table.ts";

const created = 12_000;
const many = 150_000;
const namespace = "bench-memory";
const pods = `/api/v1/namespaces/${namespace}/pods`;
/** Per transaction of the store. */
const batch = 500;

/** Memory after pods were created by 64 clients, as measured for Kubernetes. */
async function afterCreations(): Promise<number> {
  const server = await startWherry();
  try {
    await makeNamespace(server, namespace);
    await drive(created, 64, () => server.client.ok("POST", pods, podBody("generateName", "load-")));
    return residentMemory(server.pids);
  } finally {
    await server.stop();
  }
}

/** Writes copies of the existing pod into a closed store. Names and UIDs differ. */
async function multiply(folder: string, count: number): Promise<number> {
  const store = await openStore(join(folder, "data"), systemClock);
  try {
    const from = `/registry/core/pods/${namespace}/first`;
    const [item] = (await store.range({ from })).items;
    if (!item) throw new Error(`no pod at ${from}`);
    const text = Buffer.from(item.value).toString();
    const { uid } = (JSON.parse(text) as { metadata: { uid: string } }).metadata;
    for (let at = 1; at < count; at += batch) {
      const then = Array.from({ length: Math.min(batch, count - at) }, (_, i) => {
        const name = `pod-${String(at + i).padStart(7, "0")}`;
        const own = `${String(at + i).padStart(8, "0")}${uid.slice(8)}`;
        const value = text.replace('"name":"first"', `"name":"${name}"`).replace(uid, own);
        return {
          type: "put" as const,
          key: `/registry/core/pods/${namespace}/${name}`,
          value: Buffer.from(value),
        };
      });
      await store.txn({ when: [], then });
    }
    return item.value.length;
  } finally {
    await store.close();
  }
}

interface Listed {
  seconds: number;
  items: number;
}

async function list({ client }: Server): Promise<Listed> {
  const began = performance.now();
  let items = 0;
  let tail = "";
  const mark = '"uid":"';
  const stream = client.stream(`${pods}?resourceVersion=0`, (chunk) => {
    const joint = tail + chunk.toString("latin1", 0, mark.length - 1);
    if (joint.includes(mark)) items++;
    for (let at = chunk.indexOf(mark); at >= 0; at = chunk.indexOf(mark, at + mark.length)) items++;
    tail = chunk.subarray(-(mark.length - 1)).toString("latin1");
  });
  await stream.ended;
  return { seconds: (performance.now() - began) / 1000, items };
}

export async function run(): Promise<Row[]> {
  const few = await afterCreations();
  const folder = newFolder();
  try {
    const first = await startWherry({ folder });
    await makeNamespace(first, namespace);
    await first.client.ok("POST", pods, plainPodBody("first"));
    await first.stop();
    const bytes = await multiply(folder, many);
    const server = await startWherry({ folder });
    try {
      const started = residentMemory(server.pids);
      const lists: Listed[] = [];
      for (let i = 0; i < 4; i++) lists.push(await list(server));
      if (lists.some(({ items }) => items !== many)) throw new Error(`a list had ${lists[0]?.items} pods`);
      // A server under load, not a new one.
      await drive(5000, 64, () => server.client.ok("POST", pods, podBody("generateName", "load-")));
      const note = `${(bytes / 1000).toFixed(1)} KB stored`;
      return [
        { what: "12,000 pods, created by 64 clients", unit: "MiB RSS", goal: 250, wherry: few },
        { what: "150,000 pods, just started", unit: "MiB RSS", goal: 1500, wherry: started, note },
        {
          what: "150,000 pods, after 4 lists of them and 5,000 creations",
          unit: "MiB RSS",
          goal: 1500,
          wherry: residentMemory(server.pids),
        },
        {
          what: "150,000 pods listed",
          unit: "s",
          goal: 3,
          wherry: median(lists.map(({ seconds }) => seconds)),
        },
      ];
    } finally {
      await server.stop();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
