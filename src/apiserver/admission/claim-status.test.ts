import assert from "node:assert/strict";
import { test } from "node:test";
import type { AuthorizationAttributes, UserInfo } from "../auth-contract.ts";
import { failure } from "../testing/harness.ts";
import { serve } from "../testing/webhooks.ts";

const claims = "/apis/resource.k8s.io/v1/namespaces/default/resourceclaims";
const spec = {
  devices: { requests: [{ name: "r", exactly: { deviceClassName: "gpu", count: 2 } }] },
};
const results = ["a", "b"].map((name) => ({ request: "r", driver: `${name}.io`, pool: "p", device: "d" }));
const nodeSelector = {
  nodeSelectorTerms: [{ matchFields: [{ key: "metadata.name", operator: "In", values: ["n1"] }] }],
};
const allocation = { devices: { results }, nodeSelector };
const state = (name: string, data: object) => ({ driver: `${name}.io`, pool: "p", device: "d", data });

/** A claim, and an authorizer that allows `status` to all users and the subresources in `allowed`. */
async function claimed(t: Parameters<typeof serve>[0], user: UserInfo, allowed: readonly string[]) {
  const asked: string[] = [];
  const h = await serve(t, {
    authenticator: { authenticate: () => user },
    authorizer: {
      authorize({ verb, subresource, namespace, name }: AuthorizationAttributes) {
        if (subresource !== "binding" && subresource !== "driver") return { allowed: true, reason: "" };
        const what = `${verb} ${subresource} ${namespace}/${name}`;
        asked.push(what);
        return { allowed: allowed.includes(what), reason: "" };
      },
    },
  });
  assert.equal((await h.call("POST", claims, { metadata: { name: "c" }, spec })).status, 201);
  const put = (status: object) =>
    h.call("PUT", `${claims}/c/status`, { metadata: { name: "c" }, spec, status });
  return { put, asked };
}

const person: UserInfo = { name: "alice", groups: [] };
const account = (node: string): UserInfo => ({
  name: "system:serviceaccount:drivers:driver",
  groups: [],
  extra: { "authentication.kubernetes.io/node-name": [node] },
});

test("allocation and reservations are for who may bind claims, wherever they are", async (t) => {
  const { put, asked } = await claimed(t, person, []);
  const [cause, ...others] = failure(await put({ allocation }), 422).details?.causes ?? [];
  assert.equal(others.length, 0);
  assert.deepEqual(cause, {
    reason: "FieldValueForbidden",
    field: "status.allocation",
    message:
      'Forbidden: changing status.allocation or status.reservedFor requires resource="resourceclaims/binding", verb="update" permission: resourceclaims.resource.k8s.io is forbidden: User "alice" cannot update resource "resourceclaims/binding" in API group "resource.k8s.io" at the cluster scope',
  });
  assert.deepEqual(asked, ["update binding /"]);
  const both = failure(await put({ reservedFor: [{ resource: "pods", name: "p", uid: "u" }] }), 422);
  assert.deepEqual(
    both.details?.causes?.map(({ field }) => field),
    ["status.allocation", "status.reservedFor"],
    "what is wrong otherwise is told with it",
  );
  assert.equal((await put({})).status, 200);
});

test("the state of a device is for who may speak for its driver; others' devices stay as they are", async (t) => {
  const { put, asked } = await claimed(t, person, [
    "update binding /",
    "arbitrary-node:update driver default/a.io",
  ]);
  assert.equal((await put({ allocation })).status, 200);
  assert.equal((await put({ allocation, devices: [state("a", { x: 1 })] })).status, 200);
  asked.length = 0;
  const [cause] =
    failure(await put({ allocation, devices: [state("a", { x: 1 }), state("b", {})] }), 422).details
      ?.causes ?? [];
  assert.match(
    cause?.message ?? "",
    /requires resource="resourceclaims\/driver", verb="\[arbitrary-node:update\]" permission: resourceclaims\.resource\.k8s\.io "b\.io" is forbidden: User "alice" cannot arbitrary-node:update resource/,
  );
  assert.deepEqual(asked, ["arbitrary-node:update driver default/b.io"], "nobody is asked about what stays");
  assert.equal((await put({ allocation, devices: [] })).status, 200);
});

test("an account on the claim's node may have the right for its node alone", async (t) => {
  for (const [node, verbs, status] of [
    ["n1", ["associated-node:update"], 200],
    ["n2", ["arbitrary-node:update"], 422],
  ] as const) {
    const { put, asked } = await claimed(t, account(node), [
      "update binding /",
      "associated-node:update driver default/a.io",
    ]);
    await put({ allocation });
    asked.length = 0;
    assert.equal((await put({ allocation, devices: [state("a", {})] })).status, status, node);
    assert.deepEqual(
      asked,
      verbs.map((verb) => `${verb} driver default/a.io`),
    );
  }
});
