import assert from "node:assert/strict";
import { test } from "node:test";
import type { ApiTransport, TransportRequest } from "../../../client/index.ts";
import type { ObjectReader } from "../../auth-contract.ts";
import { reconcileAggregation } from "./bootstrap.ts";
import type { RoleObject } from "./rule-index.ts";

const rule = (verb: string): { verbs: string[]; apiGroups: string[]; resources: string[] } => ({
  verbs: [verb],
  apiGroups: [""],
  resources: ["pods"],
});

const role = (name: string, labels: Record<string, string>, more: Partial<RoleObject>): RoleObject => ({
  metadata: { name, labels },
  ...more,
});

/** Requests to the server when these roles exist. */
async function sent(roles: RoleObject[]): Promise<TransportRequest[]> {
  const requests: TransportRequest[] = [];
  const api = {
    async request(request: TransportRequest) {
      requests.push(request);
      return { status: 200, headers: {}, body: (async function* () {})() };
    },
  } as unknown as ApiTransport;
  const objects = { list: () => roles } as unknown as ObjectReader;
  await reconcileAggregation(api, objects);
  return requests;
}

test("an aggregated role gets the rules of what its selectors find, by name and each once, and keeps the rest", async () => {
  const whole = role(
    "whole",
    { a: "b" },
    {
      rules: [],
      aggregationRule: {
        clusterRoleSelectors: [
          { matchExpressions: [{ key: "late", operator: "Exists" }] },
          { matchLabels: { a: "b" } },
        ],
      },
    },
  );
  const parts = [
    role("c", { late: "" }, { rules: [rule("get")] }),
    role("b", { a: "b" }, { rules: [rule("get"), rule("list")] }),
    role("a", { a: "b" }, { rules: [rule("watch")] }),
    role("d", { a: "c" }, { rules: [rule("delete")] }),
  ];
  const [request, ...more] = await sent([whole, ...parts]);
  assert.equal(more.length, 0);
  assert.equal(request?.method, "PATCH");
  assert.match(
    request.path,
    /clusterroles\/whole\?fieldManager=clusterrole-aggregation-controller&force=true$/,
  );
  assert.deepEqual(JSON.parse(String(request.body)), {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRole",
    metadata: { name: "whole" },
    rules: [rule("get"), rule("watch"), rule("list")],
  });
  assert.deepEqual(
    await sent([{ ...whole, rules: [rule("get"), rule("watch"), rule("list")] }, ...parts]),
    [],
  );
});
