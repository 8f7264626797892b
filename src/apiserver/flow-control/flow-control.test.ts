import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { settle } from "../../testing/index.ts";
import type { SpecialHandler } from "../contract.ts";
import { type Answered, configMap, type Harness, startHarness } from "../testing/harness.ts";

const root = "/apis/flowcontrol.apiserver.k8s.io/v1";
const reviews = "/apis/authentication.k8s.io/v1/selfsubjectreviews";

/** Requests to this are held until the test releases them. */
let held: (() => void)[] = [];
const holding: SpecialHandler = {
  group: "authentication.k8s.io",
  version: "v1",
  kind: "SelfSubjectReview",
  namespaced: false,
  verbs: ["create"],
  handle: () =>
    new Promise((resolve) => {
      const status = { userInfo: {} };
      held.push(() =>
        resolve({ apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview", status } as never),
      );
    }),
};

let h: Harness;
before(async () => {
  h = await startHarness({
    authenticator: {
      authenticate: ({ headers }) => ({
        name: headers["x-user"] ?? "admin",
        groups: [headers["x-user"] ? "others" : "system:masters", "system:authenticated"],
      }),
    },
    authorizer: { authorize: ({ path }) => ({ allowed: path !== "/forbidden", reason: "" }) },
    special: new Map([["selfsubjectreviews.authentication.k8s.io", holding]]),
  });
});
after(() => h.close());
beforeEach(() => {
  held = [];
});

const uidOf = async (plural: string, name: string): Promise<string> =>
  (await h.call("GET", `${root}/${plural}/${name}`)).body.metadata.uid;
const metric = async (line: string): Promise<number | undefined> => {
  const { text } = await h.call("GET", "/metrics");
  const found = text.split("\n").find((each) => each.startsWith(`apiserver_${line} `));
  return found === undefined ? undefined : Number(found.slice(found.lastIndexOf(" ")));
};

type Limit = { type: "Reject" } | { type: "Queue"; queuing: object };

/** A level with a schema for these users. */
async function level(
  name: string,
  users: string[],
  shares: number,
  limitResponse: Limit,
): Promise<() => Promise<void>> {
  const limited = { nominalConcurrencyShares: shares, limitResponse, borrowingLimitPercent: 0 };
  const made = await h.call("POST", `${root}/prioritylevelconfigurations`, {
    metadata: { name },
    spec: { type: "Limited", limited },
  });
  assert.equal(made.status, 201, made.text);
  const spec = {
    priorityLevelConfiguration: { name },
    matchingPrecedence: 1000,
    distinguisherMethod: { type: "ByUser" },
    rules: [
      {
        subjects: users.map((each) => ({ kind: "User", user: { name: each } })),
        resourceRules: [
          { verbs: ["*"], apiGroups: ["*"], resources: ["*"], clusterScope: true, namespaces: ["*"] },
        ],
        nonResourceRules: [{ verbs: ["*"], nonResourceURLs: ["*"] }],
      },
    ],
  };
  const schema = await h.call("POST", `${root}/flowschemas`, { metadata: { name }, spec });
  assert.equal(schema.status, 201, schema.text);
  return async () => {
    await h.call("DELETE", `${root}/flowschemas/${name}`);
    await h.call("DELETE", `${root}/prioritylevelconfigurations/${name}`);
  };
}

/** Five of 600 seats at 250 shares: two shares are five seats, one is three. */
const body = { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" };
const hold = (user: string, query = ""): Promise<Answered> =>
  h.call("POST", `${reviews}${query}`, body, { "x-user": user });

async function releaseAll(): Promise<void> {
  for (let quiet = 0; quiet < 3; ) {
    await settle();
    const now = held.splice(0);
    for (const each of now) each();
    quiet = now.length === 0 ? quiet + 1 : 0;
  }
}

test("answers say which schema and level they came through, failures too; new objects count at once", async () => {
  const of = async (path: string, user?: string): Promise<(string | undefined)[]> => {
    const { headers } = await h.call("GET", path, undefined, user ? { "x-user": user } : {});
    return [headers["x-kubernetes-pf-flowschema-uid"], headers["x-kubernetes-pf-prioritylevel-uid"]];
  };
  const exempt = [await uidOf("flowschemas", "exempt"), await uidOf("prioritylevelconfigurations", "exempt")];
  const everybody = [
    await uidOf("flowschemas", "global-default"),
    await uidOf("prioritylevelconfigurations", "global-default"),
  ];
  assert.deepEqual(await of("/version"), exempt);
  assert.deepEqual(await of("/version", "noxu"), everybody);
  for (const path of ["/forbidden", "/nothing", "/api/v1/namespaces/default/configmaps/none"])
    assert.deepEqual(await of(path, "noxu"), everybody, path);
  assert.deepEqual(await of("/api/v1/namespaces/default/pods/p/log", "noxu"), [undefined, undefined]);
  const remove = await level("testing", ["noxu"], 1, { type: "Reject" });
  const testing = [
    await uidOf("flowschemas", "testing"),
    await uidOf("prioritylevelconfigurations", "testing"),
  ];
  assert.deepEqual(await of("/version", "noxu"), testing);
  assert.deepEqual(await of("/version", "foo"), everybody);
  assert.ok(((await metric('flowcontrol_nominal_limit_seats{priority_level="testing"}')) as number) > 0);
  await remove();
  assert.deepEqual(await of("/version", "noxu"), everybody);
  assert.equal(await metric('flowcontrol_nominal_limit_seats{priority_level="testing"}'), undefined);
});

test("a level that refuses answers 429 to whoever comes when its seats are taken", async () => {
  const remove = await level("small", ["u"], 1, { type: "Reject" });
  const seats = (await metric('flowcontrol_current_limit_seats{priority_level="small"}')) as number;
  assert.equal(seats, 3);
  const taken = Array.from({ length: seats }, () => hold("u"));
  await settle();
  const refused = await h.call("GET", "/version", undefined, { "x-user": "u" });
  assert.equal(refused.status, 429);
  assert.equal(refused.text, "Too many requests, please try again later.\n");
  const { "retry-after": retry, "content-type": type } = refused.headers;
  assert.deepEqual([retry, type], ["1", "text/plain; charset=utf-8"]);
  assert.equal(refused.headers["x-kubernetes-pf-flowschema-uid"], await uidOf("flowschemas", "small"));
  assert.equal((await h.call("GET", "/version")).status, 200, "the administrator gets through");
  assert.equal((await h.call("GET", "/version", undefined, { "x-user": "other" })).status, 200);
  const labels = '{flow_schema="small",priority_level="small",reason="concurrency-limit"}';
  assert.equal(await metric(`flowcontrol_rejected_requests_total${labels}`), 1);
  await releaseAll();
  assert.deepEqual(
    (await Promise.all(taken)).map(({ status }) => status),
    [201, 201, 201],
  );
  assert.equal((await h.call("GET", "/version", undefined, { "x-user": "u" })).status, 200);
  const executing = 'flowcontrol_current_executing_seats{flow_schema="small",priority_level="small"}';
  assert.equal(await metric(executing), 0);
  await remove();
});

test("requests wait for a seat, and not longer than a quarter of their time", async () => {
  const queuing = { queues: 1, handSize: 1, queueLengthLimit: 3 };
  const remove = await level("waiting", ["u"], 1, { type: "Queue", queuing });
  const first = Array.from({ length: 3 }, () => hold("u"));
  await settle();
  const patient = hold("u");
  const hasty = hold("u", "?timeout=4s");
  const late = hold("u");
  await settle();
  assert.equal(held.length, 3);
  const full = await hold("u");
  assert.equal(full.status, 429, "the queue is full");
  const { text: table } = await h.call("GET", "/debug/api_priority_and_fairness/dump_priority_levels");
  assert.match(table, /^waiting, +1, +false, +false, +3, +3, +3, +1, +0, +0$/m);
  const details = "/debug/api_priority_and_fairness/dump_requests?includeRequestDetails=1";
  const { text: rows } = await h.call("GET", details);
  assert.match(
    rows,
    /^waiting, +waiting, +0, +2, +, .* 0001-01-01T00:00:00Z, +u, +create, .*selfsubjectreviews, +$/m,
  );
  assert.match(
    (await h.call("GET", "/debug/api_priority_and_fairness/dump_queues")).text,
    /^waiting, +0, +3, +3, +3, +\d+\.\d{8}ss, +3, +3, +0\.00900000ss$/m,
  );
  await h.clock.run(1100);
  assert.equal((await hasty).status, 429);
  held.shift()?.();
  await settle();
  assert.equal(held.length, 3, "one has left, one has come");
  await h.clock.run(15_000);
  assert.equal((await late).status, 429, "it stood in line for 15 seconds");
  await releaseAll();
  for (const each of [...first, patient]) assert.equal((await each).status, 201);
  const wait =
    'request_wait_duration_seconds_count{execute="false",flow_schema="waiting",priority_level="waiting"}';
  assert.equal(await metric(`flowcontrol_${wait}`), 2);
  await remove();
});

test("a client that goes away leaves its place to the next", async () => {
  const queuing = { queues: 1, handSize: 1, queueLengthLimit: 1 };
  const remove = await level("gone", ["u"], 1, { type: "Queue", queuing });
  const first = Array.from({ length: 3 }, () => hold("u"));
  await settle();
  const stop = new AbortController();
  const peer = { address: "127.0.0.1" };
  const left = h.server.handle({
    method: "GET",
    path: "/version",
    headers: { "x-user": "u" },
    peer,
    signal: stop.signal,
  });
  await settle();
  assert.equal((await hold("u")).status, 429);
  stop.abort(new Error("gone"));
  assert.equal((await left).status, 429);
  const next = hold("u");
  await releaseAll();
  for (const each of [...first, next]) assert.equal((await each).status, 201);
  await remove();
});

test("a flood of one user leaves the others of its level their turn", async () => {
  const queuing = { queues: 64, handSize: 4, queueLengthLimit: 100 };
  const remove = await level("flooded", ["flood", "quiet"], 1, { type: "Queue", queuing });
  const flood = Array.from({ length: 400 }, () => hold("flood"));
  await settle();
  assert.equal(held.length, 3);
  let answered = false;
  const quiet = hold("quiet").then((answer) => {
    answered = true;
    return answer.status;
  });
  let rounds = 0;
  while (!answered) {
    await settle(2);
    await h.clock.run(3);
    for (const each of held.splice(0)) each();
    await settle(2);
    assert.ok(++rounds < 10, "it came after the flood");
  }
  assert.equal(await quiet, 201);
  await releaseAll();
  assert.ok((await Promise.all(flood)).every(({ status }) => status === 201));
  await remove();
});

test("a watch takes a seat while it begins, and wakes cost those who write", async () => {
  const remove = await level("watching", ["u"], 1, { type: "Reject" });
  const maps = "/api/v1/namespaces/default/configmaps";
  const watches =
    'longrunning_requests{component="apiserver",group="",resource="configmaps",scope="namespace",subresource="",verb="WATCH",version="v1"}';
  const open = await Promise.all(
    Array.from({ length: 20 }, () => h.watch(`${maps}?watch=1&resourceVersion=${h.store.revision}`)),
  );
  const stop = new AbortController();
  const mine = await h.server.handle({
    method: "GET",
    path: `${maps}?watch=1`,
    headers: { "x-user": "u" },
    peer: { address: "127.0.0.1" },
    signal: stop.signal,
  });
  assert.equal(mine.status, 200);
  assert.equal(await metric(watches), 21);
  const executing =
    'flowcontrol_current_executing_requests{flow_schema="watching",priority_level="watching"}';
  assert.equal(await metric(executing), 0);
  assert.equal((await h.call("POST", maps, configMap("woken"), { "x-user": "u" })).status, 201);
  const seats = 'flowcontrol_current_executing_seats{flow_schema="watching",priority_level="watching"}';
  assert.equal(await metric(seats), 3, "for 21 watchers, until they have been told");
  await h.clock.run(10);
  assert.equal(await metric(seats), 0);
  for (const each of open) each.close();
  stop.abort(new Error("enough"));
  assert.equal(await metric(watches), 0);
  assert.equal((await h.call("DELETE", `${maps}/woken`, undefined, { "x-user": "u" })).status, 200);
  assert.equal(await metric(seats), 0);
  await remove();
});

test("a level whose object is gone serves those in it, and ends with them", async () => {
  const queuing = { queues: 1, handSize: 1, queueLengthLimit: 50 };
  const remove = await level("leaving", ["u"], 1, { type: "Queue", queuing });
  const inside = Array.from({ length: 5 }, () => hold("u"));
  await settle();
  await remove();
  const later = await h.call("GET", "/version", undefined, { "x-user": "u" });
  assert.equal(later.status, 200, "by another level");
  const table = async () =>
    (await h.call("GET", "/debug/api_priority_and_fairness/dump_priority_levels")).text;
  assert.match(await table(), /^leaving, +1, +false, +true, +2, +3,/m);
  await releaseAll();
  assert.deepEqual(
    (await Promise.all(inside)).map(({ status }) => status),
    [201, 201, 201, 201, 201],
  );
  assert.doesNotMatch(await table(), /^leaving/m);
});

test("seats that nobody uses are lent, and given back within ten seconds", async () => {
  const limit = (name: string) => metric(`flowcontrol_current_limit_seats{priority_level="${name}"}`);
  await h.clock.run(11_000);
  assert.ok(((await limit("workload-low")) as number) < 100, "it lends nine tenths of 245 when it is idle");
  const busy = Array.from({ length: 40 }, () => hold("system:serviceaccount:x:y"));
  await settle();
  const before = (await limit("global-default")) as number;
  assert.equal(held.length, 40);
  await h.clock.run(10_000);
  assert.ok(((await limit("global-default")) as number) > before, "it was in demand");
  await releaseAll();
  await Promise.all(busy);
});
