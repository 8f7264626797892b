/** Logs of containers that write none. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod } from "../../api/index.ts";
import type { PodManager } from "../pods/pod-manager.ts";
import { runtimeLabels } from "../pods/pod-runtime.ts";
import type { KubeletServices } from "../services.ts";
import { createBackend } from "./kubelet-backend.ts";

test("a container without a log has an empty one, which is followed until it ends or nobody listens", async () => {
  const run = { id: "c-1", state: "Running", logPath: "", labels: { [runtimeLabels.containerName]: "web" } };
  let changed = Promise.withResolvers<void>();
  const worker = {
    pod: { metadata: { name: "a" }, spec: { containers: [{ name: "web" }] } } as unknown as Pod,
    runtime: { containers: [run] },
    waiting: new Map(),
    refresh: () => Promise.resolve(),
    refreshed: () => changed.promise,
  };
  const services = { runtime: {}, clock: { now: () => 0 } } as unknown as KubeletServices;
  const backend = createBackend(services, { find: () => worker } as unknown as PodManager);
  const read = async (follow: boolean, signal = new AbortController().signal): Promise<Uint8Array[]> => {
    const options = { follow, timestamps: false, previous: false };
    const lines: Uint8Array[] = [];
    for await (const each of backend.logs("default", "a", "web", options, signal)) lines.push(each);
    return lines;
  };
  assert.deepEqual(await read(false), []);

  const listener = new AbortController();
  const left = read(true, listener.signal);
  listener.abort();
  assert.deepEqual(await left, []);

  let over = false;
  const followed = read(true).then((lines) => {
    over = true;
    return lines;
  });
  changed.resolve();
  changed = Promise.withResolvers();
  await new Promise(setImmediate);
  assert.equal(over, false, "a change is not the end");
  run.state = "Exited";
  changed.resolve();
  assert.deepEqual(await followed, []);
});
