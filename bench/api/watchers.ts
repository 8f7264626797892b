/** Many watches of a resource: cost per event, completeness, and latency. */
import { setTimeout as delay } from "node:timers/promises";
import { quantile, type Stream } from "./client.ts";
import { podBody } from "./pod.ts";
import { processorTime } from "./process.ts";
import { makeNamespace, removeNamespace, type Server } from "./servers.ts";
import type { Row } from "./table.ts";

const added = '{"type":"ADDED"';
const mark = '"name":"ev-';
/** After this timeout events count as lost. */
const patienceMs = 60_000;

interface Seen {
  /** From sending the creation until a watcher has the complete event; sorted. */
  lagMs: number[];
  lost: number;
  /** Microseconds of the server's processor time per delivered event. */
  us: number;
}

/** Parses events from a stream and returns their creations. */
function reader(onEvent: (index: number) => void): (chunk: Buffer) => void {
  let head = "";
  return (chunk) => {
    let from = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      // The name is at the beginning of an event.
      const line = head + chunk.toString("latin1", from, Math.min(end, from + 1024));
      head = "";
      from = end + 1;
      const at = line.indexOf(mark);
      if (at >= 0 && line.startsWith(added)) onEvent(Number.parseInt(line.slice(at + mark.length), 10));
    }
    if (head.length < 1024) head += chunk.toString("latin1", from, Math.min(chunk.length, from + 1024));
  };
}

/** `everyMs`: interval of creations; 0 is one after the other. */
async function watched(server: Server, watchers: number, events: number, everyMs: number): Promise<Seen> {
  const { client } = server;
  const namespace = `bench-watchers-${watchers}`;
  const pods = `/api/v1/namespaces/${namespace}/pods`;
  await makeNamespace(server, namespace);
  const { body } = await client.ok("GET", `${pods}?limit=1`);
  const { resourceVersion } = (JSON.parse(body.toString()) as { metadata: { resourceVersion: string } })
    .metadata;
  const query = `watch=true&timeoutSeconds=300&labelSelector=app%3Dload&resourceVersion=${resourceVersion}`;
  const sent: number[] = [];
  const lagMs: number[] = [];
  let missing = watchers * events;
  const all = Promise.withResolvers<void>();
  const streams: Stream[] = [];
  for (let i = 0; i < watchers; i++) {
    const had = new Set<number>();
    const onEvent = (index: number): void => {
      if (had.has(index)) return;
      had.add(index);
      lagMs.push(performance.now() - (sent[index] as number));
      if (--missing === 0) all.resolve();
    };
    streams.push(client.stream(`${pods}?${query}`, reader(onEvent)));
  }
  await Promise.all(streams.map(({ begun }) => begun));
  const before = processorTime(server.pids);
  for (let i = 0; i < events; i++) {
    const began = performance.now();
    sent.push(began);
    await client.ok("POST", pods, podBody("name", `ev-${i}`));
    const left = everyMs - (performance.now() - began);
    if (left > 0) await delay(left);
  }
  await Promise.race([all.promise, delay(patienceMs, undefined, { ref: false })]);
  const us = (processorTime(server.pids) - before) / (watchers * events);
  for (const stream of streams) stream.close();
  await removeNamespace(server, namespace);
  return { lagMs: lagMs.sort((a, b) => a - b), lost: missing, us };
}

export async function run(servers: readonly Server[]): Promise<Row[]> {
  const rows: Row[] = [];
  const [wherry, peer] = servers as [Server, Server?];
  const compared = async (
    watchers: number,
    events: number,
    everyMs: number,
  ): Promise<[Seen, Seen | undefined]> => [
    await watched(wherry, watchers, events, everyMs),
    peer && (await watched(peer, watchers, events, everyMs)),
  ];
  const [ours, theirs] = await compared(500, 200, 0);
  rows.push({
    what: "a watch event with 500 watchers",
    unit: "us CPU",
    goal: 15,
    wherry: ours.us,
    peer: theirs?.us,
  });
  const [mine, others] = await compared(1000, 100, 100);
  rows.push({
    what: "1,000 watchers, 10 creations per second: events lost",
    unit: "",
    goal: 0,
    wherry: mine.lost,
    peer: others?.lost,
  });
  for (const [q, goal] of [[0.5], [0.99, 100]] as const) {
    rows.push({
      what: `the same: from request to event, p${q * 100}`,
      unit: "ms",
      ...(goal ? { goal } : {}),
      wherry: quantile(mine.lagMs, q),
      ...(others ? { peer: quantile(others.lagMs, q) } : {}),
    });
  }
  return rows;
}
