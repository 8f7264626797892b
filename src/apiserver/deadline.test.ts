import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "../testing/index.ts";
import { Deadline, LateError } from "./deadline.ts";
import { configMap, failure } from "./testing/harness.ts";
import { configure, type Hooks, hook, maps, serve, webhookServer } from "./testing/webhooks.ts";

const pending = (): { promise: Promise<string>; resolve(value: string): void; reject(error: Error): void } =>
  Promise.withResolvers<string>();

/** Calls `start` and advances time when the webhook on this path is called. */
function whenAsked(hooks: Hooks, path: string): Promise<void> {
  const asked = Promise.withResolvers<void>();
  hooks.hold = (at) => {
    if (at === path) asked.resolve();
    return new Promise(() => {});
  };
  return asked.promise;
}

test("work that is done in time settles as it does, and its timer is gone", async () => {
  const clock = new FakeClock();
  const deadline = new Deadline(clock, clock.monotonic(), 100);
  const work = pending();
  const over = deadline.over(work.promise, () => assert.fail("not late"));
  work.resolve("done");
  assert.equal(await over, "done");
  assert.equal(clock.waiting, 0);
  const failing = new Deadline(clock, clock.monotonic(), 100);
  await assert.rejects(
    failing.over(Promise.reject(new Error("no")), () => assert.fail("not late")),
    /^Error: no$/,
  );
});

test("when time is up the request fails, whoever works for it is told, and the rest is heard of later", async () => {
  const clock = new FakeClock();
  const deadline = new Deadline(clock, clock.monotonic(), 100);
  const work = pending();
  const later = Promise.withResolvers<unknown>();
  const over = deadline.over(work.promise, (late, error) =>
    later.resolve([late instanceof LateError, error]),
  );
  const { signal } = deadline;
  deadline.check();
  clock.advance(100);
  await assert.rejects(over, LateError);
  assert.ok(signal.aborted);
  assert.ok(deadline.signal.aborted);
  assert.throws(() => deadline.check(), LateError);
  const failure = new Error("gave up");
  work.reject(failure);
  assert.deepEqual(await later.promise, [true, failure]);
});

test("work that took too long is late, though no timer had its turn", async () => {
  const clock = new FakeClock();
  const deadline = new Deadline(clock, clock.monotonic() - 101, 100);
  assert.throws(() => deadline.check(), LateError);
  await assert.rejects(
    deadline.over(Promise.resolve("done"), () => {}),
    LateError,
  );
});

test("a bound only shortens, and is told in other words", async () => {
  const clock = new FakeClock();
  const deadline = new Deadline(clock, clock.monotonic(), 100);
  const over = deadline.over(new Promise(() => {}), () => {});
  clock.advance(40);
  deadline.bound(60);
  deadline.bound(30);
  assert.equal(deadline.leftMs, 30);
  clock.advance(30);
  await assert.rejects(over, {
    reason: "Timeout",
    code: 504,
    message: "Timeout: request did not complete within requested timeout - context deadline exceeded",
  });
});

test("a request that waits for a webhook ends when its own time is up", async (t) => {
  const hooks = await webhookServer(t, () => ({ allowed: true }));
  const h = await serve(t);
  await configure(h, "Validating", "v", [hook("v", `${hooks.url}/v`, { timeoutSeconds: 30 })]);
  const asked = whenAsked(hooks, "/v");
  const call = h.call("POST", `${maps}?timeout=25s`, configMap("a"));
  await asked;
  h.clock.advance(25_000);
  const late = await call;
  assert.equal(late.status, 504);
  assert.equal(
    late.text,
    '{"metadata":{},"status":"Failure","message":"Timeout: request did not complete within the allotted timeout","reason":"Timeout","details":{},"code":504}\n',
  );
  assert.equal(late.headers["content-type"], "text/plain; charset=utf-8");
  assert.equal(late.headers["x-kubernetes-pf-flowschema-uid"], undefined);
  assert.equal((await h.call("GET", `${maps}/a`)).status, 404);
  const { text } = await h.call("GET", "/metrics");
  assert.match(text, /^apiserver_request_terminations_total\{code="504",.*verb="POST".*\} 1$/m);
});

test("all webhooks together have 34 seconds, and those behind are not asked any more", async (t) => {
  const hooks = await webhookServer(t, () => ({ allowed: true }));
  const h = await serve(t);
  const open = { failurePolicy: "Ignore", timeoutSeconds: 30 };
  await configure(h, "Mutating", "m", [
    hook("one", `${hooks.url}/one`, open),
    hook("two", `${hooks.url}/two`, open),
  ]);
  const asked = whenAsked(hooks, "/one");
  const call = h.call("POST", maps, configMap("a"));
  await asked;
  h.clock.advance(34_000);
  const late = failure(await call, 504);
  assert.equal(late.reason, "Timeout");
  assert.equal(
    late.message,
    "Timeout: request did not complete within requested timeout - context deadline exceeded",
  );
  assert.deepEqual(
    hooks.seen.map(({ path }) => path),
    ["/one"],
  );
});

test("a webhook is told how long it has: its own time, or what is left of the request's", async (t) => {
  const times: (string | undefined)[] = [];
  const hooks = await webhookServer(
    t,
    () => ({ allowed: true }),
    (url) => times.push(url.split("?")[1]),
  );
  const h = await serve(t);
  await configure(h, "Mutating", "m", [hook("one", hooks.url, { timeoutSeconds: 20 })]);
  for (const time of ["", "?timeout=12500ms", "?timeout=25s"])
    await h.call("POST", `${maps}${time}`, configMap(`a${time.length}`));
  assert.deepEqual(times, ["timeout=20s", "timeout=13s", "timeout=20s"]);
});

test("time that nobody can read is refused, and a moment is no time at all", async (t) => {
  const h = await serve(t, { requestMs: 5000 });
  assert.match(
    failure(await h.call("GET", `${maps}?timeout=5`), 400).message ?? "",
    /^invalid timeout specified in the request URL - time: missing unit in duration "5"$/,
  );
  for (const fine of ["0s", "-1s", "9h", ""])
    assert.equal((await h.call("GET", `${maps}?timeout=${fine}`)).status, 200);
});
