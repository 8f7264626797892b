/**
 * Processor time of the API server per operation, through the handler in one thread, without sockets and disk. The results
 * exclude the transport and fsync. Run: `node bench/apiserver.ts [pods]`.
 */
import { createApiServer, type ApiServer } from "../src/apiserver/index.ts";
import { silentLogger, systemClock } from "../src/machinery/index.ts";
import { openMemoryStore } from "../src/store/index.ts";

const count = Number(process.argv[2] ?? 5000);
const watchers = 500;
const admin = { name: "admin", groups: ["system:masters"] };
const peer = { address: "127.0.0.1" };
const pods = "/api/v1/namespaces/default/pods";

/** A pod of a Deployment: about 2.5 KB when stored. */
const podBody = (i: number): object => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    name: `web-7c5ddbdf54-${i}`,
    labels: { app: "web", "pod-template-hash": "7c5ddbdf54", tier: "frontend" },
    annotations: { "example.com/checksum": "a".repeat(64) },
    ownerReferences: [
      {
        apiVersion: "apps/v1",
        kind: "ReplicaSet",
        name: "web-7c5ddbdf54",
        uid: "5c1f5a4e-0000-4000-8000-000000000000",
        controller: true,
        blockOwnerDeletion: true,
      },
    ],
  },
  spec: {
    containers: [
      {
        name: "web",
        image: "registry.example.com/web:1.2.3",
        ports: [{ containerPort: 8080, name: "http" }],
        env: Array.from({ length: 8 }, (_, n) => ({ name: `SETTING_${n}`, value: `value-${n}` })),
        resources: { requests: { cpu: "100m", memory: "128Mi" }, limits: { cpu: "500m", memory: "256Mi" } },
        readinessProbe: { httpGet: { path: "/healthz", port: "http" }, periodSeconds: 5 },
        livenessProbe: { httpGet: { path: "/healthz", port: "http" }, periodSeconds: 10 },
      },
    ],
  },
});

async function drain(response: { body: AsyncIterable<Uint8Array> }): Promise<number> {
  let bytes = 0;
  for await (const chunk of response.body) bytes += chunk.length;
  return bytes;
}

function request(server: ApiServer, method: string, path: string, body?: unknown, type = "application/json") {
  const headers = { accept: "application/json", "content-type": type };
  return server.handle({
    method,
    path,
    headers,
    peer,
    ...(body ? { body: Buffer.from(JSON.stringify(body)) } : {}),
  });
}

const results: [string, string][] = [];

async function measure(what: string, operations: number, run: () => Promise<void>): Promise<void> {
  globalThis.gc?.();
  const before = process.cpuUsage();
  await run();
  const { user, system } = process.cpuUsage(before);
  results.push([what, `${((user + system) / operations).toFixed(1)} us`]);
}

const store = await openMemoryStore({ clock: systemClock });
const server = await createApiServer({
  store,
  clock: systemClock,
  log: silentLogger,
  random: Math.random,
  authenticator: { authenticate: () => admin },
  authorizer: { authorize: () => ({ allowed: true, reason: "" }) },
});
results.push(["server constructed after process start", `${performance.now().toFixed(0)} ms`]);
results.push(["RSS, empty", `${(process.memoryUsage().rss / 1e6).toFixed(0)} MB`]);
await drain(
  await request(server, "POST", "/api/v1/namespaces/default/serviceaccounts", {
    metadata: { name: "default" },
  }),
);

for (let i = 0; i < 500; i++) await drain(await request(server, "POST", pods, podBody(1_000_000 + i)));
await drain(await request(server, "DELETE", pods));

await measure("create a pod", count, async () => {
  for (let i = 0; i < count; i++) await drain(await request(server, "POST", pods, podBody(i)));
});
await measure("get a pod", count, async () => {
  for (let i = 0; i < count; i++) await drain(await request(server, "GET", `${pods}/web-7c5ddbdf54-${i}`));
});
await measure("patch a pod (merge)", count, async () => {
  for (let i = 0; i < count; i++) {
    const patch = { metadata: { annotations: { touched: String(i) } } };
    await drain(
      await request(server, "PATCH", `${pods}/web-7c5ddbdf54-${i}`, patch, "application/merge-patch+json"),
    );
  }
});
await measure("patch a pod's status (strategic)", count, async () => {
  for (let i = 0; i < count; i++) {
    const patch = { status: { conditions: [{ type: "Ready", status: "True" }] } };
    await drain(
      await request(
        server,
        "PATCH",
        `${pods}/web-7c5ddbdf54-${i}/status`,
        patch,
        "application/strategic-merge-patch+json",
      ),
    );
  }
});
const lists = 20;
await measure("list, each pod", lists * count, async () => {
  for (let i = 0; i < lists; i++) await drain(await request(server, "GET", "/api/v1/pods"));
});
await measure(`list of ${count} whose selector matches nothing`, lists, async () => {
  for (let i = 0; i < lists; i++)
    await drain(await request(server, "GET", "/api/v1/pods?labelSelector=app%3Dnone"));
});

const stop = new AbortController();
let delivered = 0;
const events = 200;
const readers = await Promise.all(
  Array.from({ length: watchers }, async () => {
    const response = await server.handle({
      method: "GET",
      path: `/api/v1/pods?watch=1&resourceVersion=${store.revision}`,
      peer,
      headers: { accept: "application/json" },
      signal: stop.signal,
    });
    const ended = (async () => {
      try {
        for await (const chunk of response.body) if (chunk.length > 0) delivered++;
      } catch {
        // The end of the measurement.
      }
    })();
    return { ended };
  }),
);
await measure(`one delivered watch event with ${watchers} watchers`, events * watchers, async () => {
  for (let i = 0; i < events; i++) {
    const patch = { metadata: { annotations: { again: String(i) } } };
    await drain(
      await request(server, "PATCH", `${pods}/web-7c5ddbdf54-${i}`, patch, "application/merge-patch+json"),
    );
  }
  while (delivered < events * watchers) await new Promise((resolve) => setImmediate(resolve));
});
stop.abort(new Error("done"));
await Promise.all(readers.map(({ ended }) => ended));
globalThis.gc?.();
const memory = process.memoryUsage();
results.push([
  `heap and buffers with ${count} pods (memory store included)`,
  `${((memory.heapUsed + memory.external) / 1e6).toFixed(0)} MB`,
]);

for (const [what, value] of results) process.stdout.write(`${what.padEnd(60)} ${value.padStart(12)}\n`);
await server.close();
await store.close();
