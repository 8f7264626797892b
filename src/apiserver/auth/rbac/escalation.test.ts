import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubeObject } from "../../../api/index.ts";
import type { StatusError } from "../../../machinery/index.ts";
import type { ObjectReader, UserInfo } from "../../auth-contract.ts";
import type { WriteAttempt } from "../../contract.ts";
import { escalationGuards } from "./escalation.ts";
import type { RoleObject } from "./rule-index.ts";
import { RbacAuthorizer } from "./rbac-authorizer.ts";

const group = "rbac.authorization.k8s.io";
const jane: UserInfo = { name: "jane", groups: ["system:authenticated"] };
const subjects = [{ kind: "User", name: "jane" }];
const ref = (name: string, kind = "Role") => ({ apiGroup: group, kind, name });
const pods = { apiGroups: [""], resources: ["pods"], verbs: ["get"] };

/** Everything is in the namespace `team`, without the default roles. */
function setUp(stored: Readonly<Record<string, readonly KubeObject[]>>) {
  const objects: ObjectReader = {
    get: (_group, resource, namespace, name) =>
      stored[resource]?.find(
        ({ metadata }) => metadata?.name === name && (metadata?.namespace ?? "") === (namespace ?? ""),
      ) as never,
    list: (_group, resource) => [...(stored[resource] ?? [])] as never,
    onChange: () => () => false,
  };
  const rbac = new RbacAuthorizer();
  rbac.attach(objects);
  rbac.index.dropDefaults();
  const guards = escalationGuards(rbac, rbac);
  const check = async (resource: string, object: object, old?: object, user = jane): Promise<string> => {
    const namespace = resource.startsWith("cluster") ? "" : "team";
    const name = old ? (object as KubeObject).metadata?.name : "";
    const attempt = {
      operation: old ? "update" : "create",
      info: { apiGroup: group, resource, namespace, name },
      user,
      object,
      old,
    };
    try {
      await guards.get(`${resource}.${group}`)?.check(attempt as unknown as WriteAttempt);
      return "";
    } catch (error) {
      const { code, message } = error as StatusError;
      return `${code} ${message}`;
    }
  };
  return { rbac, check };
}

const bound = (name: string, role: string, kind?: string) => ({
  metadata: { name, namespace: "team" },
  subjects,
  roleRef: ref(role, kind),
});

const held = {
  roles: [{ metadata: { name: "held", namespace: "team" }, rules: [pods] }] as RoleObject[],
  rolebindings: [bound("held", "held")] as KubeObject[],
};

test("what is missing is listed by resource, with its verbs put together", async () => {
  const { check } = setUp(held);
  const rules = [
    { apiGroups: ["", "apps"], resources: ["pods"], verbs: ["get", "list"] },
    { nonResourceURLs: ["/a"], verbs: ["get", "post"] },
  ];
  assert.equal(
    await check("roles", { metadata: { name: "r" }, rules }),
    `403 roles.${group} "r" is forbidden: user "jane" (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n` +
      '{APIGroups:[""], Resources:["pods"], Verbs:["list"]}\n' +
      '{APIGroups:["apps"], Resources:["pods"], Verbs:["get" "list"]}\n' +
      '{NonResourceURLs:["/a"], Verbs:["get"]}\n' +
      '{NonResourceURLs:["/a"], Verbs:["post"]}',
  );
  assert.equal(await check("roles", { metadata: { name: "r" }, rules: [pods] }), "");
  assert.equal(
    await check("roles", { metadata: {}, rules }, undefined, { name: "x", groups: ["system:masters"] }),
    "",
  );
});

test("roles that do not exist are told of: as an error of their own, and beside what is refused", async () => {
  const { check, rbac } = setUp({
    ...held,
    rolebindings: [bound("held", "held"), bound("dangling", "nowhere")],
  });
  const lists = (namespace: string) =>
    rbac.authorize({
      user: jane,
      verb: "list",
      apiGroup: "",
      apiVersion: "v1",
      resource: "secrets",
      subresource: "",
      namespace,
      name: "",
      path: "",
      isResource: true,
    }).reason;
  assert.equal(lists("team"), `RBAC: role.${group} "nowhere" not found`);
  assert.equal(lists("other"), "");
  assert.equal(
    await check("rolebindings", { metadata: { name: "b" }, roleRef: ref("missing") }),
    `404 rolebindings.${group} "missing" not found`,
  );
  assert.match(
    await check("roles", { metadata: { name: "r" }, rules: [{ ...pods, verbs: ["list"] }] }),
    /Verbs:\["list"\]\}; resolution errors: \[roles\.rbac\.authorization\.k8s\.io "nowhere" not found\]$/,
  );
  assert.equal(
    await check("rolebindings", { metadata: { name: "b" }, roleRef: ref("x", "Pod") }),
    '500 unsupported role reference kind: "Pod"',
  );
});

test("a change is looked at whole, but for what garbage collection changes", async () => {
  const { check } = setUp(held);
  const old = { metadata: { name: "r" }, rules: [{ ...pods, verbs: ["delete"] }] };
  assert.match(await check("roles", { ...old, metadata: { name: "r", labels: { a: "b" } } }, old), /^403/);
  assert.equal(await check("roles", { ...old, metadata: { name: "r", finalizers: ["a/b"] } }, old), "");
  const binding = { metadata: { name: "b" }, roleRef: ref("none") };
  assert.match(
    await check("rolebindings", { ...binding, metadata: { name: "b", labels: {} } }, binding),
    /^404/,
  );
});

test("only who holds everything names what a role gathers, or changes what does", async () => {
  const { check } = setUp(held);
  const refused = `403 clusterroles.${group} "g" is forbidden: must have cluster-admin privileges to use the aggregationRule`;
  const gathers = { metadata: { name: "g" }, aggregationRule: { clusterRoleSelectors: [{}] } };
  assert.equal(await check("clusterroles", gathers), refused);
  assert.equal(await check("clusterroles", { metadata: { name: "g" } }, gathers), refused);
  assert.equal(
    await check("clusterroles", { ...gathers, aggregationRule: { clusterRoleSelectors: [] } }),
    "",
  );
});

test("`escalate` and `bind` are asked by name; a role that is made has none yet", async () => {
  const may = {
    apiGroups: [group],
    resources: ["roles"],
    resourceNames: ["big"],
    verbs: ["escalate", "bind"],
  };
  const big = { metadata: { name: "big", namespace: "team" }, rules: [{ ...pods, verbs: ["delete"] }] };
  const { check } = setUp({
    ...held,
    roles: [{ ...held.roles[0], rules: [may] } as KubeObject, big as KubeObject],
  });
  assert.equal(await check("roles", big, { ...big, rules: [] }), "");
  assert.match(await check("roles", big), /^403/);
  assert.equal(await check("rolebindings", { metadata: { name: "b" }, roleRef: ref("big") }), "");
});

test("rules that say more than can be counted are refused, unless they are covered at once", async () => {
  const many = (letter: string, count = 1000) => Array.from({ length: count }, (_, i) => `${letter}${i}`);
  const rules = [{ apiGroups: many("g"), resources: many("r"), verbs: many("v"), resourceNames: many("n") }];
  const role = { metadata: { name: "r" }, rules };
  const all = [{ apiGroups: ["*"], resources: ["*"], verbs: ["*"] }];
  const { check } = setUp(held);
  assert.match(await check("roles", role), /^413 the rules say too much/);
  assert.match(
    await check("roles", { ...role, rules: [{ nonResourceURLs: many("/"), verbs: many("v") }] }),
    /^413/,
  );
  const twice = many("v").flatMap((_, i) => ({ apiGroups: ["*"], resources: ["*"], verbs: [`v${i}`] }));
  for (const [rules, answer] of [
    [all, /^$/],
    [twice, /^413/],
  ] as const) {
    const owner = setUp({
      ...held,
      roles: [{ metadata: { name: "held", namespace: "team" }, rules }] as RoleObject[],
    });
    assert.match(await owner.check("roles", role), answer);
  }
  const large = {
    metadata: { name: "r" },
    rules: [{ apiGroups: many("g", 20), resources: many("r", 100), verbs: many("v", 8) }],
  };
  assert.equal((await check("roles", large)).split("\n").length, 2001);
});
