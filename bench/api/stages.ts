/**
 * Processor time of a create, get and update by stage: from a profile of the server, by the file of each sample. Shared files
 * (JSON, paths, maps) count for the stage that called them.
 */
import { Inspector, type CpuProfile, type ProfileNode } from "./inspector.ts";
import { prepare, repeat, written } from "./operations.ts";
import { threadTimes } from "./process.ts";
import { type Server, startWherry } from "./servers.ts";

/** The first matching prefix of a file's path, or of a function's name in parentheses. */
const stages: readonly (readonly [stage: string, ...beginnings: string[]])[] = [
  ["garbage collection", "(garbage collector)"],
  ["connection: HTTP/2, TLS", "src/apiserver/http/", "node:", "(program)"],
  ["authentication", "src/apiserver/auth/authn/", "src/apiserver/gate.ts", "src/apiserver/auth/auth.ts"],
  ["authorization", "src/apiserver/auth/"],
  ["flow control", "src/apiserver/flow-control/"],
  [
    "decode",
    "src/apiserver/codec/decode.ts",
    "src/apiserver/codec/body-limits.ts",
    "src/apiserver/codec/media-type.ts",
    "src/apiserver/codec/type-meta.ts",
    "src/apiserver/verbs/input.ts",
    "src/api/conform.ts",
    "src/apiserver/verbs/patch",
  ],
  ["admission", "src/apiserver/admission/"],
  ["managedFields", "src/apiserver/managed-fields/", "src/machinery/apply/"],
  ["encode", "src/apiserver/codec/", "src/apiserver/verbs/output.ts"],
  [
    "cache and watches",
    "src/apiserver/cache/",
    "src/apiserver/verbs/watch.ts",
    "src/apiserver/verbs/event-frames.ts",
  ],
  ["store, its side of the main thread", "src/store/"],
  ["metrics and audit", "src/apiserver/metrics/", "src/apiserver/audit/", "src/apiserver/follower.ts"],
  ["defaults and validation", "src/api/"],
  ["handler and verbs", "src/apiserver/"],
];

const asleep = new Set(["(idle)", "(root)"]);

function stageOf({ callFrame: { functionName, url } }: ProfileNode): string | undefined {
  const at = url.indexOf("/src/");
  const file = at >= 0 ? url.slice(at + 1) : url !== "" ? url : functionName;
  return stages.find(([, ...beginnings]) => beginnings.some((beginning) => file.startsWith(beginning)))?.[0];
}

/** Each stage's share of the thread's active time. */
function shares({ nodes, samples, timeDeltas }: CpuProfile): Map<string, number> {
  const parents = new Map<number, ProfileNode>();
  const byId = new Map<number, ProfileNode>();
  for (const node of nodes) {
    byId.set(node.id, node);
    for (const child of node.children ?? []) parents.set(child, node);
  }
  const found = new Map<string, number>();
  let total = 0;
  for (const [i, id] of samples.entries()) {
    let node = byId.get(id);
    if (!node || asleep.has(node.callFrame.functionName)) continue;
    const took = timeDeltas[i] ?? 0;
    let stage: string | undefined;
    while (node && !(stage = stageOf(node))) node = parents.get(node.id);
    total += took;
    found.set(stage ?? "other", (found.get(stage ?? "other") ?? 0) + took);
  }
  return new Map([...found].map(([stage, took]) => [stage, took / total]));
}

interface Cost {
  stages: Map<string, number>;
  total: number;
}

/** Microseconds per operation, by stage; other threads are stages of their own. */
async function costOf(server: Server, inspector: Inspector, name: string): Promise<Cost> {
  const operation = written[name];
  if (!operation) throw new Error(`no operation ${name}`);
  await operation.prepare?.(server);
  await repeat(server, operation, operation.warm);
  const [pid = 0] = server.pids;
  const count = 3 * operation.count;
  const before = threadTimes(pid);
  const profile = await inspector.profiled(() => repeat(server, operation, count));
  const found = new Map<string, number>();
  let total = 0;
  let main = 0;
  for (const [id, { name: thread, us }] of threadTimes(pid)) {
    const each = (us - (before.get(id)?.us ?? 0)) / count;
    total += each;
    if (id === pid) main = each;
    else if (each >= 1) found.set(`thread ${thread}`, (found.get(`thread ${thread}`) ?? 0) + each);
  }
  for (const [stage, share] of shares(profile)) found.set(stage, share * main);
  return { stages: found, total };
}

/** A table with stages as rows and operations as columns, in microseconds. */
export async function stageTable(): Promise<string> {
  const url = Promise.withResolvers<string>();
  const server = await startWherry({ onDebugger: url.resolve });
  try {
    const inspector = await Inspector.open(await url.promise);
    await prepare(server);
    const names = Object.keys(written);
    const costs: Cost[] = [];
    for (const name of names) costs.push(await costOf(server, inspector, name));
    inspector.close();
    const biggest = (stage: string): number => Math.max(...costs.map((cost) => cost.stages.get(stage) ?? 0));
    const all = [...new Set(costs.flatMap((cost) => [...cost.stages.keys()]))].sort(
      (a, b) => biggest(b) - biggest(a),
    );
    const line = (what: string, of: (cost: Cost) => number): string =>
      `| ${what} | ${costs.map((cost) => of(cost).toFixed(0)).join(" | ")} |`;
    return [
      `| stage, us CPU each | ${names.join(" | ")} |`,
      `| --- |${" --- |".repeat(names.length)}`,
      ...all.map((stage) => line(stage, (cost) => cost.stages.get(stage) ?? 0)),
      line("all, while it is profiled", (cost) => cost.total),
    ].join("\n");
  } finally {
    await server.stop();
  }
}
