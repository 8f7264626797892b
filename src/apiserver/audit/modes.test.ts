import assert from "node:assert/strict";
import { test } from "node:test";
import { settle, until } from "../../testing/index.ts";
import { auditBy, recorder } from "../testing/audit.ts";
import { configMap, startHarness } from "../testing/harness.ts";
import type { AuditBackend, AuditEvent } from "./event.ts";
import { forgiving } from "./forgiving.ts";

const maps = "/api/v1/namespaces/default/configmaps";
const rules = [
  { level: "Metadata", verbs: ["create"], resources: [{ resources: ["configmaps"] }] },
  { level: "None" },
];

test("an answer waits until its events are recorded, where they are not recorded beside it", async (t) => {
  const stages: string[] = [];
  const gates: ((taken: boolean) => void)[] = [];
  const slow: AuditBackend = {
    process(entries) {
      stages.push(...entries.map(({ event }) => event.stage));
      return new Promise((resolve) => gates.push(resolve));
    },
    close: async () => {},
  };
  const h = await startHarness({ audit: auditBy(rules, forgiving(slow)) });
  t.after(() => h.close());
  let answered = false;
  const answer = h.call("POST", maps, configMap("a")).finally(() => {
    answered = true;
  });
  await settle();
  // Nothing is done before the first event is recorded.
  assert.deepEqual(stages, ["RequestReceived"]);
  assert.equal((await h.call("GET", `${maps}/a`)).status, 404);
  gates[0]?.(false);
  await until("the event of the answer", () => stages.length === 2);
  assert.equal((await h.call("GET", `${maps}/a`)).status, 200);
  assert.equal(answered, false);
  gates[1]?.(false);
  // blocking: the request is served although neither event was accepted.
  assert.equal((await answer).status, 201);
});

test("blocking-strict: what cannot be recorded is refused and counted; what was done is told all the same", async (t) => {
  let takes = false;
  const stages: string[] = [];
  const strict: AuditBackend = {
    process(entries) {
      stages.push(...entries.map(({ event }) => event.stage));
      return takes;
    },
    close: async () => {},
  };
  const audit = auditBy(rules, strict);
  const h = await startHarness({ audit });
  t.after(() => h.close());
  const refused = await h.call("POST", `${maps}?fieldManager=%3Cx%3E&x=1`, configMap("a"));
  assert.equal(refused.status, 500);
  assert.equal(
    refused.text,
    `Internal Server Error: "${maps}?fieldManager=%3Cx%3E&amp;x=1": failed to store audit event\n`,
  );
  assert.deepEqual(stages, ["RequestReceived"]);
  assert.equal((await h.call("GET", `${maps}/a`)).status, 404);
  assert.match((await h.call("GET", "/metrics")).text, /^apiserver_audit_requests_rejected_total 1$/m);
  takes = true;
  assert.equal((await h.call("POST", maps, configMap("a"))).status, 201);
});

test("of a request that took more than half a second it is noted where the time went", async (t) => {
  const events: AuditEvent[] = [];
  let now = 0;
  const audit = auditBy(
    [{ level: "Metadata" }],
    recorder((event) => events.push(event)),
    { now: () => now },
  );
  const h = await startHarness({
    audit,
    authorizer: {
      authorize({ name }) {
        // The authorizer takes time by both clocks.
        const ms = name === "slow" ? 501 : name === "quick" ? 499 : 0;
        h.clock.advance(ms);
        now += ms;
        return { allowed: true, reason: "" };
      },
    },
  });
  t.after(() => h.close());
  const noted = async (name: string): Promise<Record<string, string>> => {
    events.length = 0;
    await h.call("PUT", `${maps}/${name}`, configMap(name));
    const { annotations = {} } = events.at(-1) as AuditEvent;
    return Object.fromEntries(Object.entries(annotations).filter(([key]) => key.includes("latency")));
  };
  assert.deepEqual(await noted("quick"), {});
  const { "apiserver.latency.k8s.io/authorization": authorization, "apiserver.latency.k8s.io/total": total } =
    await noted("slow");
  assert.deepEqual([authorization, total], ["501ms", "501ms"]);
});
