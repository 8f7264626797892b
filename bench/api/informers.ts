/** Additional memory of a server for informers on large objects. */
import { setTimeout as delay } from "node:timers/promises";
import { drive, type Stream } from "./client.ts";
import { residentMemory } from "./process.ts";
import { makeNamespace, type Server, startWherry } from "./servers.ts";
import type { Row } from "./table.ts";

const informers = 16;
const objects = 400;
const updates = 32;
const goalMiB = 256;
/** Timeout for all of them, in each way of listing. */
const patienceMs = 150_000;
const namespace = "bench-informers";
const path = `/api/v1/namespaces/${namespace}/configmaps`;
const value = "0123456789abcdef".repeat(62_500);
const named = (i: number, generation: number): string =>
  JSON.stringify({ metadata: { name: `large-${i}` }, data: { value, generation: String(generation) } });

/** Peak memory until `until` resolves, in MiB. */
async function most(server: Server, until: Promise<unknown>): Promise<number> {
  let peak = 0;
  const look = (): void => {
    peak = Math.max(peak, residentMemory(server.pids));
  };
  const timer = setInterval(look, 20);
  await until.finally(() => clearInterval(timer));
  look();
  return peak;
}

/** Lists from the cache like client-go, concurrently; returns the revision for a watch. */
async function listed({ client }: Server): Promise<string> {
  let head = "";
  let items = 0;
  const stream = client.stream(`${path}?resourceVersion=0`, (chunk) => {
    if (head.length < 512) head += chunk.toString("latin1", 0, 512);
    for (let at = chunk.indexOf('"uid":'); at >= 0; at = chunk.indexOf('"uid":', at + 1)) items++;
  });
  await stream.ended;
  // A marker split between two chunks is missed.
  if (items < objects * 0.95) throw new Error(`a list ended after ${items} objects`);
  return /"resourceVersion":"(\d+)"/.exec(head)?.[1] ?? "";
}

interface Informer {
  stream: Stream;
  /** Resolves after this total number of events. */
  seen(events: number): Promise<void>;
}

function watching({ client }: Server, query: string): Informer {
  let lines = 0;
  let wanted = Number.POSITIVE_INFINITY;
  let done: (() => void) | undefined;
  const stream = client.stream(`${path}?watch=true&timeoutSeconds=600&${query}`, (chunk) => {
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) lines++;
    if (lines >= wanted) done?.();
  });
  return {
    stream,
    seen: (events) =>
      new Promise((resolve, fail) => {
        wanted = events;
        done = resolve;
        if (lines >= wanted) resolve();
        void stream.ended.then(() => fail(new Error(`a watch was ended after ${lines} of ${events} events`)));
      }),
  };
}

/** `begin` starts an informer with the initial state; its result receives the events. */
async function added(
  begin: (server: Server) => Promise<{ informer: Informer; had: number }>,
): Promise<number> {
  // They transfer 6.4 GB: on a busy machine longer than the request timeout of a minute.
  const server = await startWherry({ connections: informers, flags: ["--request-timeout=10m"] });
  try {
    await makeNamespace(server, namespace);
    await drive(objects, 4, (_, i) => server.client.ok("POST", path, named(i, 0)));
    const before = residentMemory(server.pids);
    const work = async (): Promise<void> => {
      const all = await Promise.all(Array.from({ length: informers }, () => begin(server)));
      await drive(updates, 2, (_, i) => server.client.ok("PUT", `${path}/large-${i}`, named(i, 1)));
      await Promise.all(all.map(({ informer, had }) => informer.seen(had + updates)));
      for (const { informer } of all) informer.stream.close();
    };
    const late = delay(patienceMs, undefined, { ref: false }).then(() => {
      throw new Error(`informers were not done after ${patienceMs / 1000} s`);
    });
    return (await Promise.race([most(server, work()), late])) - before;
  } finally {
    await server.stop();
  }
}

export async function run(): Promise<Row[]> {
  const listing = await added(async (server) => {
    const version = await listed(server);
    return { informer: watching(server, `resourceVersion=${version}`), had: 0 };
  });
  const streaming = await added(async (server) => {
    const initial = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    const informer = watching(server, initial);
    // The bookmark after the initial state is one more.
    await informer.seen(objects + 1);
    return { informer, had: objects + 1 };
  });
  const what = (how: string): string =>
    `${informers} informers (${how}) on ${objects} objects of 1 MB add at most`;
  return [
    { what: what("list and watch"), unit: "MiB RSS", goal: goalMiB, wherry: listing },
    { what: what("watch-list"), unit: "MiB RSS", goal: goalMiB, wherry: streaming },
  ];
}
