import assert from "node:assert/strict";
import { test } from "node:test";
import { type FlowSchema, flowSchemaOrder, type PriorityLevelConfiguration } from "../../api/index.ts";
import type { UserInfo } from "../auth-contract.ts";
import { Histogram } from "../metrics/values.ts";
import { parseRequestInfo } from "../request-info.ts";
import { flowSchemas } from "../bootstrap/flow-control.ts";
import { Classifier } from "./classify.ts";
import { DemandMeter, SmoothedDemand } from "./demand.ts";
import { isLasting, timeoutProblem, timeOf } from "./lasting.ts";
import { limitResponse, mostSeats, seatLimits } from "./limits.ts";
import { RetryAfter } from "./retry-after.ts";
import { WatchCounts } from "./watch-counts.ts";
import { estimateWork } from "./work.ts";

const user = (name: string, ...groups: string[]): UserInfo => ({
  name,
  groups: [...groups, "system:authenticated"],
});
const account = (namespace: string, name: string): UserInfo =>
  user(
    `system:serviceaccount:${namespace}:${name}`,
    "system:serviceaccounts",
    `system:serviceaccounts:${namespace}`,
  );

const schema = (name: string, matchingPrecedence: number, rules: unknown[]): FlowSchema =>
  ({
    metadata: { name },
    spec: { matchingPrecedence, priorityLevelConfiguration: { name: "x" }, rules },
  }) as FlowSchema;

function classifier(schemas: readonly FlowSchema[]) {
  const found = new Classifier(schemas.toSorted(flowSchemaOrder).map((object) => ({ object })));
  return (who: UserInfo, method: string, path: string): string | undefined =>
    found.find(who, parseRequestInfo(method, path))?.object.metadata?.name;
}

test("the default schemas take everybody where Kubernetes takes them", () => {
  const of = classifier(flowSchemas as FlowSchema[]);
  const lease = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n";
  const wanted: [UserInfo, string, string, string][] = [
    [user("admin", "system:masters"), "GET", "/api/v1/pods", "exempt"],
    [user("admin", "system:masters"), "GET", "/healthz", "exempt"],
    [user("somebody"), "GET", "/healthz/etcd", "probes"],
    [user("somebody"), "POST", "/healthz", "global-default"],
    [user("system:kube-scheduler"), "PUT", lease, "system-leader-election"],
    [user("system:kube-scheduler"), "DELETE", lease, "kube-scheduler"],
    [user("system:kube-controller-manager"), "GET", "/api/v1/nodes", "kube-controller-manager"],
    [user("system:node:n", "system:nodes"), "PUT", lease, "system-node-high"],
    [user("system:node:n", "system:nodes"), "PATCH", "/api/v1/nodes/n/status", "system-node-high"],
    [user("system:node:n", "system:nodes"), "GET", "/api/v1/nodes/n/proxy/x", "system-nodes"],
    [user("system:node:n", "system:nodes"), "GET", "/api/v1/pods", "system-nodes"],
    [account("kube-system", "x"), "GET", "/api/v1/pods", "kube-system-service-accounts"],
    [account("kube-system", "x"), "PUT", lease, "system-leader-election"],
    [account("kube-system2", "x"), "PUT", lease, "service-accounts"],
    [account("default", "x"), "GET", "/version", "service-accounts"],
    [user("somebody"), "GET", "/api/v1/pods", "global-default"],
    [{ name: "system:anonymous", groups: ["system:unauthenticated"] }, "GET", "/version", "global-default"],
  ];
  for (const [who, method, path, name] of wanted) {
    assert.equal(of(who, method, path), name, `${who.name} ${method} ${path}`);
    assert.equal(of({ ...who }, method, path), name, "again, as another object");
  }
  assert.equal(of({ name: "x", groups: [] }, "GET", "/version"), undefined);
});

test("rules: verbs, groups, resources with subresources, namespaces, cluster scope, paths", () => {
  const subjects = [
    { kind: "User", user: { name: "u" } },
    { kind: "ServiceAccount", serviceAccount: { namespace: "n", name: "a" } },
  ];
  const of = classifier([
    schema("b", 10, [
      {
        subjects,
        resourceRules: [
          {
            verbs: ["get", "list"],
            apiGroups: ["apps"],
            resources: ["deployments/scale"],
            namespaces: ["one"],
          },
        ],
      },
    ]),
    schema("c", 10, [
      {
        subjects: [{ kind: "Group", group: { name: "g" } }],
        resourceRules: [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"], clusterScope: true }],
        nonResourceRules: [{ verbs: ["get"], nonResourceURLs: ["/a", "/b/*"] }],
      },
    ]),
    schema("d", 10, [
      {
        subjects: [{ kind: "User", user: { name: "*" } }],
        resourceRules: [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"], namespaces: ["*"] }],
      },
    ]),
  ]);
  const scale = (namespace: string): string => `/apis/apps/v1/namespaces/${namespace}/deployments/d/scale`;
  assert.equal(of(user("u"), "GET", scale("one")), "b");
  assert.equal(of(account("n", "a"), "GET", scale("one")), "b");
  assert.equal(of(account("n", "aa"), "GET", scale("one")), "d");
  assert.equal(of(user("u"), "GET", scale("two")), "d");
  assert.equal(of(user("u"), "PUT", scale("one")), "d");
  assert.equal(of(user("u"), "GET", "/apis/apps/v1/namespaces/one/deployments/d"), "d");
  assert.equal(of(user("u"), "GET", "/apis/apps/v1/deployments"), undefined);
  assert.equal(of(user("x", "g"), "GET", "/apis/apps/v1/deployments"), "c");
  assert.equal(of(user("x", "g"), "GET", scale("one")), "d", "only what has no namespace");
  assert.equal(of(user("x", "g"), "GET", "/a"), "c");
  assert.equal(of(user("x", "g"), "GET", "/a/x"), "c", "what lies below, too");
  assert.equal(of(user("x", "g"), "GET", "/b/c"), "c");
  assert.equal(of(user("x", "g"), "GET", "/ab"), undefined);
  assert.equal(of(user("x", "g"), "POST", "/a"), undefined);
});

test("seats by shares, what is kept and what may be borrowed", () => {
  const spec = (more: object) =>
    ({ type: "Limited", limited: { nominalConcurrencyShares: 40, ...more } }) as NonNullable<
      PriorityLevelConfiguration["spec"]
    >;
  assert.deepEqual(seatLimits(spec({ lendablePercent: 50 }), 600, 245), {
    nominal: 98,
    lower: 49,
    upper: 698,
  });
  assert.deepEqual(seatLimits(spec({ borrowingLimitPercent: 25 }), 600, 245), {
    nominal: 98,
    lower: 98,
    upper: 123,
  });
  const queue = { queues: 64, handSize: 6, queueLengthLimit: 50 };
  const limits = (nominal: number) => ({ nominal, lower: 0, upper: 0 });
  assert.deepEqual(
    [245, 98, 20, 3].map((nominal) => mostSeats(queue, limits(nominal))),
    [37, 15, 3, 1],
  );
  assert.equal(mostSeats("reject", limits(100)), 0);
});

test("levels that contradict themselves are passed over", () => {
  const level = (name: string, spec: unknown) => limitResponse({ metadata: { name }, spec } as never);
  assert.equal(level("exempt", { type: "Exempt", exempt: {} }), "exempt");
  assert.equal(level("other", { type: "Exempt", exempt: {} }), undefined);
  assert.equal(
    level("exempt", { type: "Limited", limited: { limitResponse: { type: "Reject" } } }),
    undefined,
  );
  assert.equal(level("a", { type: "Limited", limited: { limitResponse: { type: "Reject" } } }), "reject");
  const queuing = { queues: 8, handSize: 9, queueLengthLimit: 5 };
  const limited = (given: object) => ({
    type: "Limited",
    limited: { limitResponse: { type: "Queue", queuing: given } },
  });
  assert.equal(level("a", limited(queuing)), undefined);
  assert.deepEqual(level("a", limited({ ...queuing, handSize: 2 })), { ...queuing, handSize: 2 });
  assert.equal(level("a", { type: "Limited" }), undefined);
});

test("demand is averaged over time, rises at once and falls slowly", () => {
  const meter = new DemandMeter();
  meter.set(4);
  meter.passed(5000);
  meter.set(0);
  meter.passed(5000);
  const period = meter.take();
  assert.deepEqual(period, { seconds: 10, average: 2, deviation: 2, peak: 4 });
  const smoothed = new SmoothedDemand();
  smoothed.add(period);
  assert.equal(smoothed.smoothed, 4);
  for (let i = 0; i < 30; i++) {
    meter.passed(10_000);
    smoothed.add(meter.take());
  }
  assert.ok(Math.abs(smoothed.smoothed - 2) < 0.02, "half of it after five minutes");
  assert.equal(smoothed.peak, 0);
});

test("whoever is refused comes later the more are refused, and sooner when it is over", () => {
  const retry = new RetryAfter();
  const refuse = (second: number, times: number): number => {
    for (let i = 0; i < times; i++) retry.refused(second * 1000);
    return retry.seconds;
  };
  assert.equal(refuse(100, 5), 1);
  assert.equal(refuse(101, 5), 2, "five in the second before");
  assert.equal(refuse(102, 5), 2, "not raised again so soon");
  assert.equal(refuse(103, 20), 4);
  for (let second = 104; second < 200; second++) refuse(second, 200);
  assert.equal(retry.seconds, 32);
  assert.equal(refuse(300, 1), 31);
  assert.equal(refuse(301, 1), 30);
});

test("lists weigh by what they read, writes by who watches", () => {
  const watches = new WatchCounts();
  const options = {
    stored: (_group: string, resource: string) =>
      resource === "pods" ? { objects: 1000, bytes: 2_000_000 } : undefined,
    watchers: (info: Parameters<WatchCounts["interestedIn"]>[0]) => watches.interestedIn(info),
  };
  const work = (method: string, path: string, most = 0, name = "") =>
    estimateWork(parseRequestInfo(method, path), name, most, options, new Histogram([]));
  const seats = (path: string, most = 0, name = "") => work("GET", path, most, name).initialSeats;
  const pods = "/api/v1/pods";
  assert.equal(seats(pods), 10, "in pieces of a megabyte");
  assert.equal(seats(`${pods}?limit=100`), 2);
  assert.equal(seats(pods, 4), 4);
  assert.equal(seats(`${pods}?resourceVersion=5&resourceVersionMatch=Exact`), 20);
  assert.equal(seats(`${pods}?limit=10&resourceVersion=5&labelSelector=a`), 10, "half of all is read");
  assert.equal(seats(`${pods}?fieldSelector=metadata.name%3Dx`, 0, "x"), 1);
  assert.equal(seats("/api/v1/secrets"), 1);
  assert.equal(seats(`${pods}?watch=1`), 10);
  assert.equal(seats(`${pods}?watch=1&resourceVersion=7`), 1);
  assert.equal(seats("/api/v1/namespaces/n/pods/x"), 1);

  const none = { initialSeats: 1, finalSeats: 0, lingerMs: 0 };
  const create = () => work("POST", "/api/v1/namespaces/n/pods");
  const info = (path: string) => parseRequestInfo("GET", `${path}?watch=1`);
  const ends = Array.from({ length: 9 }, () => watches.begin(info("/api/v1/pods")));
  assert.deepEqual(create(), none);
  ends.push(watches.begin(info("/api/v1/namespaces/n/pods")));
  watches.begin(info("/api/v1/namespaces/other/pods"));
  watches.begin(parseRequestInfo("GET", "/api/v1/pods?watch=1&fieldSelector=spec.nodeName%3Dx"));
  assert.deepEqual(create(), { initialSeats: 1, finalSeats: 1, lingerMs: 5 });
  for (let i = 0; i < 240; i++) ends.push(watches.begin(info("/api/v1/pods")));
  assert.deepEqual(create(), { initialSeats: 1, finalSeats: 10, lingerMs: 12.5 });
  assert.deepEqual(work("POST", "/api/v1/namespaces/n/serviceaccounts/a/token"), none);
  for (const end of ends) end();
  for (const end of ends) end();
  assert.deepEqual(create(), none);
});

test("what lasts takes no seat, and nobody stands in line for more than a quarter of their time", () => {
  const info = (path: string) => parseRequestInfo("GET", path);
  const pod = "/api/v1/namespaces/n/pods/p";
  for (const path of [`${pod}/log`, `${pod}/exec`, `${pod}/proxy/x`, "/api/v1/pods?watch=1"])
    assert.ok(isLasting(info(path)), path);
  for (const path of [pod, `${pod}/status`, "/metrics"]) assert.ok(!isLasting(info(path)), path);
  assert.equal(timeOf(info(pod), 60_000), 60_000);
  assert.equal(timeOf(info(`${pod}?timeout=8s`), 60_000), 8000);
  for (const time of ["8h", "0s", "-8s", ""])
    assert.equal(timeOf(info(`${pod}?timeout=${time}`), 60_000), 60_000, time);
  assert.equal(timeOf(info("/api/v1/pods?watch=1&timeout=8s"), 60_000), 60_000);
  const wrong = "invalid timeout specified in the request URL - time:";
  assert.equal(timeoutProblem(info(`${pod}?timeout=zzz`)), `${wrong} invalid duration "zzz"`);
  assert.equal(timeoutProblem(info(`${pod}?timeout=5`)), `${wrong} missing unit in duration "5"`);
  assert.equal(timeoutProblem(info(`${pod}?timeout=5s`)), undefined);
  assert.equal(timeoutProblem(info(`${pod}/log?timeout=5`)), undefined);
});
