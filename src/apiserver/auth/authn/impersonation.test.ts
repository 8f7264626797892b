import assert from "node:assert/strict";
import { test } from "node:test";
import type { AuthorizationAttributes, UserInfo } from "../../auth-contract.ts";
import { Impersonation, wantedUser } from "./impersonation.ts";

const alice: UserInfo = { name: "alice", groups: [] };

/** Grants are `verb resource[.group][/subresource] [namespace/]name`, with `*` for any name. */
function as(grants: readonly string[], requestor: UserInfo = alice) {
  const asked: string[] = [];
  const constraints: string[] = [];
  const impersonation = new Impersonation({
    authorize: ({ verb, resource, apiGroup, subresource, namespace, name }) => {
      const kind = `${resource}${apiGroup ? `.${apiGroup}` : ""}${subresource ? `/${subresource}` : ""}`;
      const place = namespace ? `${namespace}/` : "";
      asked.push(`${verb} ${kind} ${place}${name}`);
      const allowed =
        grants.includes(`${verb} ${kind} ${place}${name}`) || grants.includes(`${verb} ${kind} *`);
      return { allowed, reason: "" };
    },
  });
  const request: AuthorizationAttributes = {
    user: requestor,
    verb: "list",
    apiGroup: "",
    apiVersion: "v1",
    resource: "pods",
    subresource: "",
    namespace: "n",
    name: "",
    path: "",
    isResource: true,
  };
  const act = async (headers: Record<string, string>) => {
    const wanted = wantedUser(headers);
    assert.ok(wanted);
    const { user, constraint } = await impersonation.actAs(wanted, request);
    constraints.push(constraint);
    return user;
  };
  return { act, asked, constraints };
}

test("the plain right is needed for each thing that somebody is", async () => {
  const headers = {
    "impersonate-user": "bob",
    "impersonate-group": "g,1\ng2",
    "impersonate-extra-acme.io%2fscope": "s",
  };
  const grants = [
    "impersonate users bob",
    "impersonate groups g,1",
    "impersonate groups g2",
    "impersonate userextras.authentication.k8s.io/acme.io/scope s",
  ];
  assert.deepEqual(await as(grants).act(headers), {
    name: "bob",
    groups: ["g,1", "g2", "system:authenticated"],
    extra: { "acme.io/scope": ["s"] },
  });
  for (const missing of grants) {
    await assert.rejects(() => as(grants.filter((each) => each !== missing)).act(headers), {
      reason: "Forbidden",
    });
  }
});

test("the first refusal is told: the narrow way's, or that of the way that was good before", async () => {
  await assert.rejects(
    () => as([]).act({ "impersonate-user": "bob" }),
    /^StatusError: pods is forbidden: User "alice" cannot impersonate-on:user-info:list resource "pods" in API group "" in the namespace "n"$/,
  );
  const used = as(["impersonate users bob"]);
  await used.act({ "impersonate-user": "bob" });
  await assert.rejects(
    () => used.act({ "impersonate-user": "eve" }),
    /users "eve" is forbidden: User "alice" cannot impersonate resource "users" in API group "" at the cluster scope$/,
  );
});

test("narrow ways allow certain requests, as certain users", async () => {
  const node = { "impersonate-user": "system:node:m" };
  const nodeGrants = [
    "impersonate-on:arbitrary-node:list pods n/",
    "impersonate:arbitrary-node nodes.authentication.k8s.io m",
  ];
  const narrow = as(nodeGrants);
  assert.deepEqual(await narrow.act(node), {
    name: "system:node:m",
    groups: ["system:nodes", "system:authenticated"],
  });
  // The constraint in the audit event; the unconstrained mode has none.
  assert.deepEqual(narrow.constraints, ["impersonate:arbitrary-node"]);
  const plain = as(["impersonate users bob"]);
  await plain.act({ "impersonate-user": "bob" });
  assert.deepEqual(plain.constraints, [""]);
  await assert.rejects(() => as(nodeGrants.slice(1)).act(node), /cannot impersonate-on:arbitrary-node:list/);
  const account = { "impersonate-user": "system:serviceaccount:a:b" };
  const accountGrants = [
    "impersonate-on:serviceaccount:list pods n/",
    "impersonate:serviceaccount serviceaccounts.authentication.k8s.io a/b",
  ];
  assert.deepEqual((await as(accountGrants).act(account)).groups, [
    "system:serviceaccounts",
    "system:serviceaccounts:a",
    "system:authenticated",
  ]);
  const user = [
    "impersonate-on:user-info:list pods n/",
    "impersonate:user-info users.authentication.k8s.io *",
    "impersonate:user-info groups.authentication.k8s.io *",
  ];
  assert.equal((await as(user).act({ "impersonate-user": "bob", "impersonate-group": "g" })).name, "bob");
  await assert.rejects(
    () => as(user).act({ "impersonate-user": "bob", "impersonate-group": "system:masters" }),
    /impersonating the system:masters group is not allowed$/,
  );
  await assert.rejects(
    () => as(user).act({ "impersonate-user": "bob", "impersonate-extra-plain": "x" }),
    /must be a domain-prefixed path/,
  );
});

test("a pod's account acts as its own node alone", async () => {
  const daemon: UserInfo = {
    name: "system:serviceaccount:a:b",
    groups: [],
    extra: { "authentication.kubernetes.io/node-name": ["m"] },
  };
  const grants = [
    "impersonate-on:associated-node:list pods n/",
    "impersonate:associated-node nodes.authentication.k8s.io *",
  ];
  assert.equal((await as(grants, daemon).act({ "impersonate-user": "system:node:m" })).name, "system:node:m");
  await assert.rejects(() => as(grants, daemon).act({ "impersonate-user": "system:node:o" }), {
    reason: "Forbidden",
  });
});

test("headers without a user make no sense, and no headers ask for nothing", () => {
  assert.equal(wantedUser({ accept: "x" }), undefined);
  assert.throws(
    () => wantedUser({ "impersonate-group": "x" }),
    /requested &user.DefaultInfo\{Name:"", UID:"", Groups:\[\]string\{"x"\}, Extra:map\[string\]\[\]string\(nil\)\} without impersonating a user name$/,
  );
});
