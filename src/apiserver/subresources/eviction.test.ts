import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { failure, type Harness, pod, startHarness } from "../testing/harness.ts";

const pods = "/api/v1/namespaces/default/pods";
const budgets = "/apis/policy/v1/namespaces/default/poddisruptionbudgets";

interface Given {
  ready: boolean;
  /** The budget's spec and status. */
  spec?: object;
  status: object;
}

/** A running pod `p` with a budget `b` in the given state. */
async function withBudget(t: TestContext, { ready, spec = {}, status }: Given): Promise<Harness> {
  const h = await startHarness();
  t.after(() => h.close());
  await h.call("POST", "/api/v1/namespaces/default/serviceaccounts", { metadata: { name: "default" } });
  const made = await h.call("POST", pods, { ...pod("p"), metadata: { name: "p", labels: { a: "b" } } });
  assert.equal(made.status, 201, made.text);
  const conditions = [{ type: "Ready", status: ready ? "True" : "False" }];
  await h.call("PUT", `${pods}/p/status`, { ...made.body, status: { phase: "Running", conditions } });
  const budget = {
    metadata: { name: "b" },
    spec: { selector: { matchLabels: { a: "b" } }, minAvailable: 1, ...spec },
  };
  const asked = await h.call("POST", budgets, budget);
  const put = await h.call("PUT", `${budgets}/b/status`, {
    ...asked.body,
    status: { observedGeneration: 1, currentHealthy: 0, desiredHealthy: 0, expectedPods: 1, ...status },
  });
  assert.equal(put.status, 200, put.text);
  return h;
}

const evict = (h: Harness, more: object = {}, query = "") =>
  h.call("POST", `${pods}/p/eviction${query}`, { metadata: { name: "p" }, ...more });

test("the last allowed disruption is taken: the budget says so and the pod goes with a mark", async (t) => {
  const h = await withBudget(t, { ready: true, status: { disruptionsAllowed: 1 } });
  const marked = { metadata: { finalizers: ["a.b/c"] } };
  await h.call("PATCH", `${pods}/p`, marked, { "content-type": "application/merge-patch+json" });
  assert.equal((await evict(h, {}, "?dryRun=All")).status, 201);
  assert.equal((await h.call("GET", `${budgets}/b`)).body.status.disruptionsAllowed, 1);
  assert.equal((await evict(h)).status, 201);
  const { status } = (await h.call("GET", `${budgets}/b`)).body;
  assert.equal(status.disruptionsAllowed, 0);
  assert.deepEqual(Object.keys(status.disruptedPods), ["p"]);
  assert.deepEqual(
    status.conditions.map(({ type, status: value, reason }: Record<string, string>) => [type, value, reason]),
    [["DisruptionAllowed", "False", "InsufficientPods"]],
  );
  const gone = (await h.call("GET", `${pods}/p`)).body;
  assert.ok(gone.metadata.deletionTimestamp);
  assert.equal(gone.status.conditions.at(-1).reason, "EvictionByEvictionAPI");
});

test("why a pod may not go", async (t) => {
  const failed = {
    type: "DisruptionAllowed",
    status: "False",
    reason: "SyncFailed",
    message: "no controllers",
    lastTransitionTime: "2026-01-01T00:00:00Z",
  };
  const head = "The disruption budget b";
  for (const [status, wanted] of [
    [{ desiredHealthy: 1 }, `${head} needs 1 healthy pods and has 0 currently`],
    [
      { conditions: [failed] },
      `${head} does not allow evicting pods currently because it failed sync: no controllers`,
    ],
    [
      { currentHealthy: 1, conditions: [{ ...failed, reason: "Other" }] },
      `${head} does not allow evicting pods currently (Other): no controllers`,
    ],
    [{ currentHealthy: 1 }, `${head} does not allow evicting pods currently`],
    [{ observedGeneration: 0 }, `${head} is still being processed by the server.`],
  ] as const) {
    const h = await withBudget(t, { ready: true, status: { disruptionsAllowed: 0, ...status } });
    assert.equal(failure(await evict(h), 429).details?.causes?.[0]?.message, wanted);
    await h.close();
  }
});

test("a pod that is not ready goes where the budget lets it, or where the others are enough", async (t) => {
  const none = { disruptionsAllowed: 0, desiredHealthy: 1 };
  for (const [spec, status, code] of [
    [{}, none, 429],
    [{}, { ...none, currentHealthy: 1 }, 201],
    [{ unhealthyPodEvictionPolicy: "IfHealthyBudget" }, none, 429],
    [{ unhealthyPodEvictionPolicy: "AlwaysAllow" }, none, 201],
  ] as const) {
    const h = await withBudget(t, { ready: false, spec, status });
    assert.equal((await evict(h)).status, code, JSON.stringify([spec, status]));
    const left = (await h.call("GET", `${budgets}/b`)).body.status;
    assert.equal(left.disruptedPods, undefined);
    await h.close();
  }
});

test("an Eviction is read as strictly as any object, in both of its versions", async (t) => {
  const h = await withBudget(t, { ready: true, status: { disruptionsAllowed: 1 } });
  const dry = "?dryRun=All";
  const old = { apiVersion: "policy/v1beta1", kind: "Eviction" };
  assert.equal((await evict(h, old, dry)).status, 201);
  const unknown = { deleteOptions: { nope: 1 } };
  const strict = failure(await evict(h, unknown, `${dry}&fieldValidation=Strict`), 400);
  assert.match(strict.message ?? "", /strict decoding error: unknown field "deleteOptions\.nope"$/);
  const options = { propagationPolicy: "Nope" };
  assert.match(
    failure(await evict(h, { deleteOptions: options }, dry), 422).message ?? "",
    /^DeleteOptions\.meta\.k8s\.io "" is invalid: propagationPolicy: Unsupported value: "Nope"/,
  );
  const other = failure(await evict(h, { deleteOptions: { dryRun: ["Some"] } }, dry), 500);
  assert.equal(other.message, "Non-matching dry-run options in request and content: [All] and [Some]");
  const pinned = { preconditions: { resourceVersion: "1" } };
  assert.equal((await evict(h, { deleteOptions: pinned })).status, 409);
});
