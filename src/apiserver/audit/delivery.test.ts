import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock, settle } from "../../testing/index.ts";
import { Buffered } from "./buffered.ts";
import { type AuditBackend, type AuditEvent, Entry, type Loss } from "./event.ts";
import { legacyLine } from "./legacy-line.ts";
import { checkDelivery, deliveryOf } from "./options.ts";
import { truncated } from "./truncated.ts";
import { webhookBackend } from "./webhook-backend.ts";

const entry = (auditID: string, more: Partial<AuditEvent> = {}): Entry =>
  new Entry({ auditID, level: "Request", ...more } as AuditEvent);
const entries = (...ids: string[]): Entry[] => ids.map((id) => entry(id));
const ids = (batch: readonly Entry[]): string => batch.map(({ event }) => event.auditID).join("");

/** Lost events by backend. */
function losses(): { lost: Loss; told: string[] } {
  const told: string[] = [];
  return {
    told,
    lost: (plugin, events, error) => told.push(`${plugin} ${events} ${(error as Error).message}`),
  };
}

/** A backend whose batches are pending until they are released. */
function gated(): { backend: AuditBackend; batches: string[]; finish: (() => void)[] } {
  const batches: string[] = [];
  const finish: (() => void)[] = [];
  return {
    batches,
    finish,
    backend: {
      process(batch) {
        batches.push(ids(batch));
        return new Promise((resolve) => finish.push(() => resolve(true)));
      },
      close: async () => {},
    },
  };
}

const batch = { bufferSize: 10, maxSize: 2, maxWaitMs: 1000, throttle: undefined, together: false };

test("events go in batches: when one is full, or has waited long enough, and the rest at the end", async () => {
  const clock = new FakeClock();
  const { backend, batches, finish } = gated();
  const buffered = new Buffered(backend, { ...batch, together: true }, { clock, lost: losses().lost });
  assert.equal(buffered.process(entries("a", "b", "c")), true);
  assert.deepEqual(batches, ["ab"]);
  clock.advance(999);
  assert.deepEqual(batches, ["ab"]);
  clock.advance(1);
  // Another one is still pending.
  assert.deepEqual(batches, ["ab", "c"]);
  buffered.process(entries("d"));
  let closed = false;
  const closing = buffered.close().then(() => {
    closed = true;
  });
  await settle();
  assert.deepEqual(batches, ["ab", "c", "d"]);
  assert.equal(closed, false);
  for (const each of finish) each();
  await closing;
});

test("a log gets one batch after the other; what comes meanwhile waits, and is lost when too much does", async () => {
  const { backend, batches, finish } = gated();
  const { lost, told } = losses();
  const buffered = new Buffered(backend, { ...batch, bufferSize: 3 }, { clock: new FakeClock(), lost });
  buffered.process(entries("a", "b", "c", "d", "e", "f"));
  assert.deepEqual(batches, ["ab"]);
  assert.deepEqual(told, ["buffered 1 audit buffer queue blocked"]);
  finish[0]?.();
  await settle();
  assert.deepEqual(batches, ["ab", "cd"]);
  const closing = buffered.close();
  buffered.process(entries("g"));
  assert.deepEqual(told.slice(1), ["buffered 1 audit backend shut down"]);
  finish[1]?.();
  await settle();
  assert.deepEqual(batches, ["ab", "cd", "e"]);
  finish[2]?.();
  await closing;
});

test("an event that waits is recorded as it was, whatever happens to the request", () => {
  const texts: string[] = [];
  const backend: AuditBackend = {
    process: (batch) => texts.push(...batch.map(({ json }) => json)) > 0,
    close: async () => {},
  };
  const buffered = new Buffered(backend, batch, { clock: new FakeClock(), lost: losses().lost });
  const annotations: Record<string, string> = { a: "1" };
  buffered.process([entry("a", { annotations })]);
  annotations.b = "2";
  buffered.process(entries("b"));
  assert.deepEqual((JSON.parse(texts[0] as string) as AuditEvent).annotations, { a: "1" });
});

test("so many batches go at once, and so many more each second", async () => {
  const clock = new FakeClock();
  const { backend, batches } = gated();
  const buffered = new Buffered(
    backend,
    { ...batch, maxSize: 1, throttle: { qps: 2, burst: 2 }, together: true },
    { clock, lost: losses().lost },
  );
  buffered.process(entries("a", "b", "c", "d"));
  await settle();
  assert.deepEqual(batches, ["a", "b"]);
  await clock.run(499);
  assert.deepEqual(batches, ["a", "b"]);
  await clock.run(1);
  assert.deepEqual(batches, ["a", "b", "c"]);
  await clock.run(500);
  assert.deepEqual(batches, ["a", "b", "c", "d"]);
});

test("at the end all that waits its turn goes on before there is nobody left to take it", async () => {
  const taken: string[] = [];
  const backend: AuditBackend = {
    process(batch) {
      taken.push(ids(batch));
      return Promise.resolve(true);
    },
    close: async () => void taken.push("closed"),
  };
  const buffered = new Buffered(
    backend,
    { ...batch, maxSize: 1, throttle: { qps: 2, burst: 2 }, together: true },
    { clock: new FakeClock(), lost: losses().lost },
  );
  buffered.process(entries("a", "b", "c", "d", "e", "f"));
  assert.deepEqual(taken, ["a", "b"]);
  await buffered.close();
  await settle();
  assert.deepEqual(taken, ["a", "b", "c", "d", "e", "f", "closed"]);
});

test("events that are too large go without objects, or not at all; batches go in pieces", () => {
  const batches: Entry[][] = [];
  const backend: AuditBackend = { process: (batch) => batches.push([...batch]) > 0, close: async () => {} };
  const { lost, told } = losses();
  const cut = truncated(backend, { maxEventBytes: 200, maxBatchBytes: 300 }, lost);
  const large = { data: "x".repeat(300) };
  void cut.process([
    entry("a", { requestObject: large, responseObject: large, annotations: { k: "v" } }),
    entry("b", { requestURI: "x".repeat(100) }),
    entry("c", { userAgent: "x".repeat(300) }),
    entry("d", { level: "Metadata", userAgent: "x".repeat(300) }),
    entry("e", { requestURI: "x".repeat(100) }),
  ]);
  assert.deepEqual(batches.map(ids), ["ab", "e"]);
  const first = batches[0]?.[0]?.event;
  assert.deepEqual(first?.annotations, { k: "v", "audit.k8s.io/truncated": "true" });
  assert.ok(first && !("requestObject" in first) && !("responseObject" in first));
  const text = "truncate 1 event is too large even after truncating";
  assert.deepEqual(told, [text, text]);
});

test("a webhook is asked five times, after waits that grow by half; then the events are lost", async () => {
  const clock = new FakeClock();
  const at: number[] = [];
  const { lost, told } = losses();
  let failures = 4;
  const backend = webhookBackend({
    post: async (list) => {
      at.push(clock.monotonic());
      if (failures-- > 0) throw new Error("not now");
      const { items } = JSON.parse(list as string) as { items: AuditEvent[] };
      return Buffer.from(items.map(({ auditID }) => auditID).join(""));
    },
    clock,
    random: () => 0,
    initialBackoffMs: 1000,
    lost,
  });
  const first = backend.process(entries("a", "b"));
  await clock.run(10_000);
  assert.equal(await first, true);
  assert.deepEqual(at, [0, 1000, 2500, 4750, 8125]);
  failures = 5;
  const second = backend.process(entries("c", "d"));
  await clock.run(10_000);
  assert.equal(await second, false);
  assert.deepEqual(told, ["webhook 2 not now"]);
  // Closing does not wait.
  failures = 1;
  const third = backend.process(entries("e"));
  await settle();
  await backend.close();
  assert.equal(await third, false);
});

test("legacy: a line of text, as kube-apiserver writes it", () => {
  const event = {
    auditID: "id-1",
    stage: "ResponseComplete",
    verb: "get",
    requestURI: '/api/v1?a="b"',
    user: { username: "u", groups: ["g", "h"] },
    impersonatedUser: { username: "v" },
    sourceIPs: ["1.2.3.4", "5.6.7.8"],
    userAgent: "me/1",
    objectRef: { resource: "pods", namespace: "n" },
    responseStatus: { code: 200 },
    requestReceivedTimestamp: "2026-01-01T00:00:00.120000Z",
  } as unknown as AuditEvent;
  assert.equal(
    legacyLine(event),
    '2026-01-01T00:00:00.12Z AUDIT: id="id-1" stage="ResponseComplete" ip="1.2.3.4" method="get" user="u" ' +
      'groups="\\"g\\",\\"h\\"" as="v" asgroups="<lookup>" user-agent="me/1" namespace="n" ' +
      'uri="/api/v1?a=\\"b\\"" response="200"',
  );
  const bare = { ...event, user: {}, requestReceivedTimestamp: "2026-01-01T00:00:00.000000Z" } as AuditEvent;
  for (const name of ["impersonatedUser", "sourceIPs", "userAgent", "objectRef", "responseStatus"] as const)
    delete bare[name];
  assert.equal(
    legacyLine(bare),
    '2026-01-01T00:00:00Z AUDIT: id="id-1" stage="ResponseComplete" ip="<unknown>" method="get" user="<none>" ' +
      'groups="<none>" as="<self>" asgroups="<lookup>" user-agent="" namespace="<none>" ' +
      'uri="/api/v1?a=\\"b\\"" response="<deferred>"',
  );
});

test("defaults are kube-apiserver's, and so is what cannot be", () => {
  const { mode, batch } = deliveryOf("log", {});
  assert.deepEqual([mode, batch.maxSize, batch.throttle], ["blocking", 1, undefined]);
  const webhook = deliveryOf("webhook", {});
  assert.deepEqual(
    [webhook.mode, webhook.batch.maxSize, webhook.batch.throttle],
    ["batch", 400, { qps: 10, burst: 15 }],
  );
  const problem = (...given: Parameters<typeof checkDelivery>): string => {
    try {
      checkDelivery(...given);
      return "";
    } catch (error) {
      return (error as Error).message;
    }
  };
  assert.equal(
    problem("log", { mode: "foo" as "batch" }),
    'invalid audit log mode foo, allowed modes are "batch,blocking,blocking-strict"',
  );
  assert.equal(
    problem("log", { mode: "batch", batch: { bufferSize: 0 } }),
    "invalid audit batch log buffer size 0, must be a positive number",
  );
  assert.equal(problem("log", { batch: { bufferSize: 0 } }), "");
  assert.equal(
    problem("webhook", { batch: { throttleQps: 0 } }),
    "invalid audit batch webhook throttle QPS 0, must be a positive number",
  );
  assert.equal(
    problem("log", { truncate: { maxEventBytes: 0 } }),
    "invalid audit truncate log max event size 0, must be a positive number",
  );
  assert.equal(
    problem("log", { truncate: { maxBatchBytes: 1 } }),
    "invalid audit truncate log max batch size 1, must be greater than max event size (102400)",
  );
});
