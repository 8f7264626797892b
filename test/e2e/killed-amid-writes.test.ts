/** An API server killed amid hundreds of writes at once: what it had acknowledged is there, and nothing is there in part. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type ApiTransport, bodyText, kubeconfigTransport, textLines } from "../../src/client/index.ts";
import { freePort } from "../../src/testing/index.ts";
import { eventually } from "../support/command.ts";
import { repository } from "../support/wherry.ts";

interface Item {
  metadata: { name: string; resourceVersion: string; uid: string; managedFields?: unknown[] };
  data?: Record<string, string>;
  spec?: Record<string, string>;
}

/** What a writer knows of its object: the values it may have, and its version where that is certain. */
interface Known {
  /** Undefined: it is not there. More than one when the last write was not answered. */
  values: (string | undefined)[];
  version?: string;
}

const writers = 200;
/** The server is killed at an answer when there were so many, and so many definitions are there. */
const answersBeforeKill = 700;
const definitionsBeforeKill = 5;
const maps = "/api/v1/namespaces/default/configmaps";
const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
/** Long enough that a part of it could be lost: every field of an object says the same. */
const filler = "x".repeat(2000);

const folder = mkdtempSync(join(tmpdir(), "wherry-killed-"));
const running = new Set<ChildProcess>();
after(async () => {
  for (const child of running) {
    child.kill("SIGKILL");
    await once(child, "exit");
  }
  rmSync(folder, { recursive: true, force: true });
});

async function startServer(port: number): Promise<{ child: ChildProcess; api: ApiTransport }> {
  const args = ["apiserver", "--name", `killed-${process.pid}`, "--api-port", String(port)];
  const child = spawn(join(repository, "wherry"), args, {
    env: { ...process.env, WHERRY_DATA_DIR: join(folder, "data"), KUBECONFIG: "/dev/null" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  child.once("exit", () => running.delete(child));
  let complaints = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (complaints += text));
  const kubeconfig = join(folder, "kubeconfig");
  const printed = await new Promise<string>((resolve, reject) => {
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
      if (text.includes("client-key-data")) resolve(text);
    });
    child.once("exit", (code) => reject(new Error(`it ended with ${code}: ${complaints}`)));
  });
  writeFileSync(kubeconfig, printed, { mode: 0o600 });
  return { child, api: (await kubeconfigTransport({ kubeconfig }, {})).transport };
}

async function ask<T = Item>(
  api: ApiTransport,
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE",
  path: string,
  body?: object,
  type = "application/json",
): Promise<{ status: number; body: T }> {
  const answer = await api.request({
    method,
    path,
    headers: { accept: "application/json", "content-type": type },
    ...(body ? { body: Buffer.from(JSON.stringify(body)) } : {}),
  });
  return { status: answer.status, body: JSON.parse(await bodyText(answer.body)) as T };
}

const fields = (value: string) => ({ first: value, filler: `${value} ${filler}`, last: value });

function definition(index: number) {
  const name = `things${index}`;
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${name}.killed.example.com` },
    spec: {
      group: "killed.example.com",
      scope: "Cluster",
      names: { plural: name, kind: `Thing${index}` },
      versions: [
        {
          name: "v1",
          served: true,
          storage: true,
          schema: {
            openAPIV3Schema: {
              type: "object",
              properties: { spec: { type: "object", additionalProperties: { type: "string" } } },
            },
          },
        },
      ],
    },
  };
}

/** Reads a watch into `events` until it ends, whoever ends it. */
async function readWatch(
  api: ApiTransport,
  path: string,
  events: WatchEvent[],
  seen: () => void,
): Promise<number> {
  const answer = await api.request({ method: "GET", path, headers: { accept: "application/json" } });
  try {
    for await (const line of textLines(answer.body)) {
      if (line === "") continue;
      events.push(JSON.parse(line) as WatchEvent);
      seen();
    }
  } catch {
    // the server was killed
  }
  return answer.status;
}

interface WatchEvent {
  type: string;
  object: Item & { code?: number };
}

/** What a watcher holds after these events; each must be later than the one before. */
function follow(events: readonly WatchEvent[], state: Map<string, Item>, from: bigint): bigint {
  let last = from;
  for (const { type, object } of events) {
    const version = BigInt(object.metadata.resourceVersion);
    assert.ok(version > last, `${type} of version ${version} after ${last}`);
    last = version;
    if (type === "BOOKMARK") continue;
    if (type === "DELETED") state.delete(object.metadata.name);
    else state.set(object.metadata.name, object);
  }
  return last;
}

/** The definition is served, though the kill may have come between its creation and that. */
async function established(api: ApiTransport, name: string): Promise<void> {
  const path = `${definitions}?watch=1&fieldSelector=metadata.name%3D${name}`;
  const answer = await api.request({ method: "GET", path, headers: { accept: "application/json" } });
  for await (const line of textLines(answer.body)) {
    const { object } = JSON.parse(line) as {
      object: { status?: { conditions?: { type: string; status: string }[] } };
    };
    if (object.status?.conditions?.some(({ type, status }) => type === "Established" && status === "True"))
      return;
  }
  assert.fail("the watch ended");
}

test("killed amid hundreds of writes at once, it has what it acknowledged and nothing in part", async () => {
  const port = await freePort();
  const first = await startServer(port);
  const known = new Map<string, Known>();
  const made = new Map<number, Known>();
  let answers = 0;
  let greatest = 0n;

  const before = await ask<{ metadata: { resourceVersion: string } }>(first.api, "GET", `${maps}?limit=1`);
  const from = before.body.metadata.resourceVersion;
  const events: WatchEvent[] = [];
  const watching = readWatch(first.api, `${maps}?watch=1&resourceVersion=${from}`, events, () => undefined);

  const acknowledged = ({ metadata }: Item): void => {
    answers++;
    if (metadata.resourceVersion && BigInt(metadata.resourceVersion) > greatest)
      greatest = BigInt(metadata.resourceVersion);
    if (answers >= answersBeforeKill && made.size >= definitionsBeforeKill) first.child.kill("SIGKILL");
  };

  /** Tries a write that makes the value `next`; false when the server did not answer any more. */
  async function write(
    state: Known,
    next: string | undefined,
    work: () => Promise<{ status: number; body: Item }>,
  ): Promise<boolean> {
    state.values.push(next);
    delete state.version;
    try {
      const { status, body } = await work();
      assert.ok(status < 300, `${status} ${JSON.stringify(body)}`);
      state.values = [next];
      if (next !== undefined) state.version = body.metadata.resourceVersion;
      acknowledged(body);
      return true;
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
      return false;
    }
  }

  async function mapsOf(index: number): Promise<void> {
    const { api } = first;
    for (let round = 0; ; round++) {
      const name = `w${index}-${round}`;
      const path = `${maps}/${name}`;
      const applied = (value: string) => ({
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name },
        data: fields(value),
      });
      const state: Known = { values: [undefined] };
      known.set(name, state);
      const going =
        (await write(state, "created", () =>
          ask(api, "POST", maps, { metadata: { name }, data: fields("created") }),
        )) &&
        (await write(state, "patched", () =>
          ask(api, "PATCH", path, { data: fields("patched") }, "application/merge-patch+json"),
        )) &&
        (await write(state, "applied", () =>
          ask(
            api,
            "PATCH",
            `${path}?fieldManager=writer&force=true`,
            applied("applied"),
            "application/apply-patch+yaml",
          ),
        )) &&
        (await write(state, "put", () =>
          ask(api, "PUT", path, { metadata: { name }, data: fields("put") }),
        )) &&
        (round % 2 === 1 || (await write(state, undefined, () => ask(api, "DELETE", path))));
      if (!going) return;
    }
  }

  async function definitionsOf(index: number): Promise<void> {
    for (let i = index; ; i += 4) {
      const state: Known = { values: [undefined] };
      made.set(i, state);
      if (!(await write(state, "there", () => ask(first.api, "POST", definitions, definition(i))))) return;
    }
  }

  const ended = once(first.child, "exit");
  await Promise.all([
    ...Array.from({ length: writers }, (_, index) => mapsOf(index)),
    ...Array.from({ length: 4 }, (_, index) => definitionsOf(index)),
  ]);
  await ended;
  await watching;
  await first.api.close();
  assert.ok(answers >= answersBeforeKill, `${answers} answers`);

  const second = await startServer(port);
  const { api } = second;
  const list = await ask<{ metadata: { resourceVersion: string }; items: Item[] }>(api, "GET", maps);
  assert.equal(list.status, 200);
  const listed = BigInt(list.body.metadata.resourceVersion);
  assert.ok(listed >= greatest, `a list of version ${listed} after a write of ${greatest}`);
  const items = new Map(list.body.items.map((item) => [item.metadata.name, item]));

  for (const [name, { values, version }] of known) {
    const item = items.get(name);
    assert.ok(
      values.includes(item?.data?.first),
      `${name} is ${item?.data?.first}, not one of ${values.join()}`,
    );
    if (version !== undefined) assert.equal(item?.metadata.resourceVersion, version, name);
  }
  for (const { metadata, data } of items.values()) {
    if (metadata.name === "kube-root-ca.crt") continue;
    assert.ok(known.has(metadata.name), `nobody wrote ${metadata.name}`);
    assert.deepEqual(data, fields(data?.first ?? ""), metadata.name);
    assert.ok(metadata.uid && metadata.managedFields?.length, metadata.name);
  }
  const written = [...items.values()].map(({ metadata }) => metadata.resourceVersion);
  assert.equal(new Set(written).size, written.length, "no version twice");

  const later = await ask(api, "POST", maps, { metadata: { name: "later" }, data: fields("later") });
  assert.equal(later.status, 201);
  assert.ok(BigInt(later.body.metadata.resourceVersion) > listed);

  // A watcher goes on from what it had seen, or is told that it must list again.
  const watcher = new Map<string, Item>();
  const last = follow(events, watcher, BigInt(from));
  const rest: WatchEvent[] = [];
  const stop = new AbortController();
  const path = `${maps}?watch=1&resourceVersion=${last}`;
  const status = await new Promise<number>((resolve, reject) => {
    api
      .request({ method: "GET", path, headers: { accept: "application/json" }, signal: stop.signal })
      .then(async (answer) => {
        if (answer.status !== 200) return resolve(answer.status);
        for await (const line of textLines(answer.body)) {
          if (line === "") continue;
          rest.push(JSON.parse(line) as WatchEvent);
          const { type, object } = rest.at(-1) as WatchEvent;
          if (type === "ERROR" || object.metadata.name === "later") return resolve(object.code ?? 200);
        }
        return reject(new Error("the watch ended"));
      })
      .catch(reject);
  });
  stop.abort();
  if (status === 200) {
    follow(rest, watcher, last);
    watcher.delete("later");
    const now = [...items.values()].filter(({ metadata }) => known.has(metadata.name));
    assert.deepEqual(
      [...watcher.values()]
        .filter(({ metadata }) => known.has(metadata.name))
        .map(({ metadata }) => metadata.resourceVersion)
        .sort(),
      now.map(({ metadata }) => metadata.resourceVersion).sort(),
    );
  } else assert.equal(status, 410);

  const crds = await ask<{ items: Item[] }>(api, "GET", definitions);
  const names = new Set(crds.body.items.map(({ metadata }) => metadata.name));
  const there = [...made].filter(([, { values }]) => !values.includes(undefined)).map(([index]) => index);
  for (const index of there) assert.ok(names.has(definition(index).metadata.name), `definition ${index}`);
  const [some] = there;
  assert.ok(some !== undefined, "a definition was acknowledged");
  await established(api, definition(some).metadata.name);
  const thing = {
    ...{ apiVersion: "killed.example.com/v1", kind: `Thing${some}` },
    ...{ metadata: { name: "a" }, spec: { a: "b" } },
  };
  // Until it is served there is no JSON, but a page that says so.
  await eventually("it is served", async () => {
    const { status } = await ask(api, "POST", `/apis/killed.example.com/v1/things${some}`, thing);
    return status === 201 ? true : undefined;
  });
  await api.close();
  second.child.kill("SIGTERM");
  assert.deepEqual(await once(second.child, "exit"), [0, null]);
});
