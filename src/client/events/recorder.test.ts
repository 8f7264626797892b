import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod } from "../../api/index.ts";
import { silentLogger, StatusError } from "../../machinery/index.ts";
import { FakeClock, openTestApi, watchTransport } from "../../testing/index.ts";
import { createClient } from "../client.ts";
import { createEventRecorder } from "./recorder.ts";

async function setUp() {
  const clock = new FakeClock();
  const api = watchTransport((await openTestApi(clock)).transport);
  const client = createClient(api);
  const recorder = createEventRecorder(client, clock, silentLogger, { component: "kubelet", host: "n1" });
  const events = async () => (await client.events.list("default")).items;
  return { clock, api, client, recorder, events };
}
const pod: Pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web", namespace: "default", uid: "u1", resourceVersion: "7" },
};

test("says what happened to what, and who saw it", async () => {
  const { recorder, events } = await setUp();
  recorder.event(pod, "Normal", "Pulled", "Container image pulled");
  await recorder.flush();
  const [event] = await events();
  assert.deepEqual(event?.involvedObject, {
    kind: "Pod",
    namespace: "default",
    name: "web",
    uid: "u1",
    apiVersion: "v1",
    resourceVersion: "7",
  });
  assert.deepEqual(
    [event?.type, event?.reason, event?.message, event?.count],
    ["Normal", "Pulled", "Container image pulled", 1],
  );
  assert.deepEqual(event?.source, { component: "kubelet", host: "n1" });
  assert.deepEqual([event?.reportingComponent, event?.reportingInstance], ["kubelet", "n1"]);
  assert.match(event?.metadata.name ?? "", /^web\.[0-9a-f]+$/);
});

test("the same again counts up, also when it was deleted meanwhile", async () => {
  const { client, clock, recorder, events } = await setUp();
  for (let i = 0; i < 3; i++) {
    recorder.event(pod, "Warning", "BackOff", "restarting");
    clock.advance(10_000);
  }
  await recorder.flush();
  const [event, ...others] = await events();
  assert.deepEqual([event?.count, others.length], [3, 0]);
  assert.notEqual(event?.firstTimestamp, event?.lastTimestamp);
  await client.events.deleteCollection("default");
  recorder.event(pod, "Warning", "BackOff", "restarting");
  await recorder.flush();
  assert.equal((await events()).length, 1);
});

test("many that differ in their message become one; a flood is cut", async () => {
  const { api, recorder, events } = await setUp();
  for (let i = 0; i < 100; i++) recorder.event(pod, "Warning", "Unhealthy", `probe ${i} failed`);
  await recorder.flush();
  const all = await events();
  assert.equal(all.length, 10);
  assert.ok(all.some((event) => event.message?.startsWith("(combined from similar events): ")));
  assert.ok(api.calls.filter((call) => call.method !== "GET").length <= 25);
});

test("a server that refuses the event is not asked again; one that is away is", async () => {
  const { api, clock, recorder, events } = await setUp();
  api.intercept = () => {
    throw new StatusError("Forbidden", "no");
  };
  recorder.event(pod, "Normal", "A", "a");
  await recorder.flush();
  assert.equal(api.calls.length, 1);
  let down = 2;
  api.intercept = () => {
    if (down-- > 0) throw new Error("connection refused");
  };
  recorder.event(pod, "Normal", "B", "b");
  await clock.run(5000);
  await recorder.flush();
  assert.equal((await events()).length, 1);
});
