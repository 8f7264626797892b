/** A server in memory for the tests of this folder: everything runs but sockets. Imported by tests alone. */
import assert from "node:assert/strict";
import type { KubeObject } from "../../api/index.ts";
import { silentLogger, type Status } from "../../machinery/index.ts";
import { openMemoryStore, type Store } from "../../store/index.ts";
import { FakeClock } from "../../testing/index.ts";
import type { ApiServer, ApiServerOptions } from "../contract.ts";
import { createApiServer } from "../server.ts";

export interface Answered {
  status: number;
  headers: Readonly<Record<string, string>>;
  // biome-ignore lint: answers are looked into freely
  body: any;
  text: string;
  bytes: Buffer;
}

export interface Harness {
  server: ApiServer;
  store: Store;
  clock: FakeClock;
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answered>;
  /** Opens a watch; `next` waits for one more event. */
  watch(path: string): Promise<WatchReader>;
  close(): Promise<void>;
}

export interface WatchReader {
  // biome-ignore lint: events are looked into freely
  next(): Promise<{ type: string; object: any } | undefined>;
  close(): void;
}

const peer = {
  address: "127.0.0.1",
  certificate: { commonName: "admin", organizations: ["system:masters"] },
};

export async function startHarness(options: Partial<ApiServerOptions> = {}): Promise<Harness> {
  const clock = new FakeClock();
  const store = options.store ?? (await openMemoryStore({ clock }));
  let seed = 1;
  const server = await createApiServer({
    store,
    clock,
    log: silentLogger,
    random: () => {
      seed = (seed * 16807) % 2147483647;
      return seed / 2147483647;
    },
    authenticator: {
      authenticate: ({ peer: { certificate } }) =>
        certificate && { name: certificate.commonName, groups: [...certificate.organizations] },
    },
    authorizer: { authorize: () => ({ allowed: true, reason: "" }) },
    network: { serviceCidr: "10.96.0.0/24" },
    ...options,
  });
  const request = (
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
    signal?: AbortSignal,
  ) =>
    server.handle({
      method,
      path,
      peer,
      headers: {
        accept: "application/json",
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: bytesOf(body) }),
      ...(signal ? { signal } : {}),
    });
  return {
    server,
    store,
    clock,
    async call(method, path, body, headers) {
      const response = await request(method, path, body, headers);
      const chunks: Uint8Array[] = [];
      for await (const chunk of response.body) chunks.push(chunk);
      const bytes = Buffer.concat(chunks);
      const text = bytes.toString();
      const json = response.headers["content-type"]?.startsWith("application/json");
      return {
        status: response.status,
        headers: response.headers,
        text,
        bytes,
        body: json && text ? JSON.parse(text) : undefined,
      };
    },
    async watch(path) {
      const stop = new AbortController();
      const response = await request("GET", path, undefined, {}, stop.signal);
      assert.equal(response.status, 200);
      const chunks = response.body[Symbol.asyncIterator]();
      let rest = "";
      return {
        async next() {
          while (!rest.includes("\n")) {
            const { done, value } = await chunks.next();
            if (done) return undefined;
            rest += Buffer.from(value).toString();
          }
          const end = rest.indexOf("\n");
          const line = rest.slice(0, end);
          rest = rest.slice(end + 1);
          return JSON.parse(line);
        },
        close() {
          stop.abort(new Error("closed by the test"));
        },
      };
    },
    async close() {
      await server.close();
      await store.close();
    },
  };
}

const bytesOf = (body: unknown): Uint8Array =>
  body instanceof Uint8Array ? body : Buffer.from(typeof body === "string" ? body : JSON.stringify(body));

/** Whoever writes into it from now on throws. */
export function freeze(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  Object.freeze(value);
  for (const each of Object.values(value)) freeze(each);
}

/** Server-side apply. */
export const apply = (
  h: Harness,
  path: string,
  manager: string,
  body: object,
  query = "",
): Promise<Answered> =>
  h.call("PATCH", `${path}?fieldManager=${manager}${query}`, body, {
    "content-type": "application/apply-patch+yaml",
  });

export const configMap = (
  name: string,
  data: Record<string, string> = {},
  labels?: Record<string, string>,
): KubeObject =>
  ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name, ...(labels ? { labels } : {}) },
    data,
  }) as KubeObject;

export const pod = (name: string, more: Record<string, unknown> = {}): KubeObject =>
  ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name },
    spec: { containers: [{ name: "c", image: "i" }], ...more },
  }) as KubeObject;

/** The Status of a failure, after a look at its code. */
export function failure(answered: Answered, code: number): Status {
  assert.equal(answered.status, code, answered.text);
  assert.equal(answered.body.kind, "Status");
  assert.equal(answered.body.code, code);
  return answered.body as Status;
}
