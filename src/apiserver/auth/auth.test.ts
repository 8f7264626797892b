import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import type { KubeObject } from "../../api/index.ts";
import { type Clock, StatusError, systemClock } from "../../machinery/index.ts";
import type { AuthorizationAttributes, ObjectReader, UserInfo } from "../auth-contract.ts";
import type { RequestInfo, SpecialContext } from "../contract.ts";
import { createAuth } from "./auth.ts";

type Listener = (
  type: "added" | "modified" | "deleted",
  object: KubeObject,
  old: KubeObject | undefined,
) => void;

/** Objects in a map, with change events like the server's. */
class FakeObjects {
  #stored = new Map<string, Map<string, KubeObject>>();
  #listeners = new Map<string, Set<Listener>>();
  readonly reader: ObjectReader = {
    get: (group, resource, namespace, name) =>
      this.#of(group, resource).get(`${namespace ?? ""}/${name}`) as never,
    list: (group, resource, namespace) =>
      [...this.#of(group, resource).values()].filter(
        (o) => namespace === undefined || o.metadata?.namespace === namespace,
      ) as never,
    onChange: (group, resource, listener) => {
      const set = this.#listeners.get(`${group}/${resource}`) ?? new Set();
      this.#listeners.set(`${group}/${resource}`, set.add(listener as Listener));
      return () => set.delete(listener as Listener);
    },
  };

  put(group: string, resource: string, object: object): void {
    const made = object as KubeObject;
    const key = `${made.metadata?.namespace ?? ""}/${made.metadata?.name}`;
    const old = this.#of(group, resource).get(key);
    this.#of(group, resource).set(key, made);
    for (const l of this.#listeners.get(`${group}/${resource}`) ?? [])
      l(old ? "modified" : "added", made, old);
  }

  delete(group: string, resource: string, namespace: string, name: string): void {
    const old = this.#of(group, resource).get(`${namespace}/${name}`);
    this.#of(group, resource).delete(`${namespace}/${name}`);
    if (old) for (const l of this.#listeners.get(`${group}/${resource}`) ?? []) l("deleted", old, old);
  }

  #of(group: string, resource: string): Map<string, KubeObject> {
    const key = `${group}/${resource}`;
    const known = this.#stored.get(key) ?? new Map<string, KubeObject>();
    this.#stored.set(key, known);
    return known;
  }
}

const pem = generateKeyPairSync("ec", { namedCurve: "P-256" })
  .privateKey.export({ type: "pkcs8", format: "pem" })
  .toString();
const rbac = "rbac.authorization.k8s.io";
const alice: UserInfo = { name: "alice", groups: ["devs", "system:authenticated"] };
const nodeUser: UserInfo = { name: "system:node:n1", groups: ["system:nodes", "system:authenticated"] };

function setUp(clock: Clock = systemClock) {
  const objects = new FakeObjects();
  const auth = createAuth({
    clock,
    serviceAccountKeys: [pem],
    tokens: new Map([["secret-token", { name: "fixed", groups: [] }]]),
  });
  auth.authenticator.attach?.(objects.reader);
  auth.authorizer.attach?.(objects.reader);
  const may = async (
    user: UserInfo,
    verb: string,
    resource: string,
    more: Partial<AuthorizationAttributes> = {},
  ) => {
    const [name = "", subresource = ""] = resource.split("/");
    return auth.authorizer.authorize({
      user,
      verb,
      apiGroup: "",
      apiVersion: "v1",
      resource: name,
      subresource,
      namespace: "",
      name: "",
      path: "",
      isResource: true,
      ...more,
    });
  };
  const info = (more: Partial<RequestInfo>): RequestInfo => ({
    isResource: true,
    path: "",
    verb: "create",
    apiGroup: "",
    apiVersion: "v1",
    namespace: "",
    resource: "",
    subresource: "",
    name: "",
    rest: "",
    query: new URLSearchParams(),
    ...more,
  });
  const call = async (key: string, user: UserInfo, body: object, more: Partial<RequestInfo> = {}) => {
    const context: SpecialContext = {
      info: info(more),
      user,
      request: { method: "POST", path: "", peer: { address: "" } },
      objects: objects.reader,
      object: () => body as KubeObject,
    };
    const handler = auth.special.get(key);
    await handler?.check?.(body as KubeObject, context);
    return (await handler?.handle(context)) as unknown as { status: Record<string, unknown> };
  };
  return { objects, auth, may, call, info };
}

const binding = (role: string, subjects: object[], namespace?: string) => ({
  metadata: { name: `b-${role}`, ...(namespace ? { namespace } : {}) },
  roleRef: { apiGroup: rbac, kind: "ClusterRole", name: role },
  subjects,
});

test("a key that both signs and verifies is published once, before the others", () => {
  const pair = () => generateKeyPairSync("ec", { namedCurve: "P-256" });
  const [own, former] = [pair(), pair()];
  const spki = ({ publicKey }: typeof own) => publicKey.export({ type: "spki", format: "pem" }).toString();
  const auth = createAuth({
    clock: systemClock,
    serviceAccountKeys: [own.privateKey.export({ type: "pkcs8", format: "pem" }).toString()],
    verifyingKeys: [spki(former), spki(own), spki(former)],
  });
  const published = auth.documents.get("/openid/v1/jwks")?.() as { keys: { x: string }[] } | undefined;
  assert.deepEqual(
    published?.keys.map(({ x }) => x),
    [own, former].map(({ publicKey }) => publicKey.export({ format: "jwk" }).x),
  );
});

test("the parts and the default roles may do what they need before anything is stored", async () => {
  const { may } = setUp();
  const admin: UserInfo = { name: "x", groups: ["system:masters"] };
  assert.ok((await may(admin, "delete", "nodes")).allowed);
  const scheduler: UserInfo = { name: "system:kube-scheduler", groups: ["system:authenticated"] };
  assert.ok((await may(scheduler, "create", "pods/binding", { namespace: "a" })).allowed);
  assert.ok(!(await may(scheduler, "get", "secrets", { namespace: "a" })).allowed);
  const anonymous: UserInfo = { name: "system:anonymous", groups: ["system:unauthenticated"] };
  assert.ok((await may(anonymous, "get", "", { isResource: false, path: "/readyz" })).allowed);
  assert.ok(!(await may(anonymous, "get", "", { isResource: false, path: "/api" })).allowed);
  assert.ok((await may(alice, "get", "", { isResource: false, path: "/apis/apps/v1" })).allowed);
  assert.ok(!(await may(alice, "list", "pods", { namespace: "default" })).allowed);
});

test("bindings count at once, by namespace, name and subresource", async () => {
  const { objects, may } = setUp();
  const here = { namespace: "team" };
  assert.ok(!(await may(alice, "list", "pods", here)).allowed);
  objects.put(rbac, "rolebindings", binding("view", [{ kind: "Group", name: "devs" }], "team"));
  const decision = await may(alice, "list", "pods", here);
  assert.deepEqual(decision.allowed, true);
  assert.match(
    decision.reason,
    /RBAC: allowed by RoleBinding "b-view\/team" of ClusterRole "view" to Group "devs"/,
  );
  assert.ok(!(await may(alice, "list", "secrets", here)).allowed);
  assert.ok(!(await may(alice, "list", "pods", { namespace: "other" })).allowed);
  assert.ok(!(await may(alice, "list", "pods")).allowed);
  objects.put(rbac, "roles", {
    metadata: { name: "one", namespace: "team" },
    rules: [{ verbs: ["get"], apiGroups: [""], resources: ["secrets", "*/scale"], resourceNames: ["s1"] }],
  });
  objects.put(rbac, "rolebindings", {
    metadata: { name: "one", namespace: "team" },
    roleRef: { apiGroup: rbac, kind: "Role", name: "one" },
    subjects: [{ kind: "User", name: "alice" }],
  });
  assert.ok((await may(alice, "get", "secrets", { ...here, name: "s1" })).allowed);
  assert.ok((await may(alice, "get", "x/scale", { ...here, name: "s1" })).allowed);
  assert.ok(!(await may(alice, "get", "secrets", { ...here, name: "s2" })).allowed);
  objects.delete(rbac, "rolebindings", "team", "one");
  assert.ok(!(await may(alice, "get", "secrets", { ...here, name: "s1" })).allowed);
});

test("nobody gives away more than they hold", async () => {
  const { objects, auth, info } = setUp();
  objects.put(rbac, "rolebindings", binding("admin", [{ kind: "User", name: "alice" }], "team"));
  const guard = auth.guards.get(`roles.${rbac}`);
  const attempt = (rules: object[]) => ({
    operation: "create" as const,
    info: info({ namespace: "team", resource: "roles", apiGroup: rbac }),
    user: alice,
    object: { metadata: { name: "r" }, rules } as KubeObject,
    old: undefined,
    objects: objects.reader,
  });
  await guard?.check(attempt([{ verbs: ["get", "list"], apiGroups: [""], resources: ["pods", "secrets"] }]));
  await assert.rejects(
    async () => guard?.check(attempt([{ verbs: ["get", "list"], apiGroups: [""], resources: ["nodes"] }])),
    (error: StatusError) =>
      error.reason === "Forbidden" &&
      error.message ===
        `roles.${rbac} "r" is forbidden: user "alice" (groups=["devs" "system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[""], Resources:["nodes"], Verbs:["get" "list"]}`,
  );
  await assert.rejects(async () =>
    auth.guards.get(`rolebindings.${rbac}`)?.check({
      ...attempt([]),
      object: binding("cluster-admin", [{ kind: "User", name: "alice" }], "team") as KubeObject,
    }),
  );
});

test("a node reaches what its volumes, claims and slices need", async () => {
  const { objects, may } = setUp();
  const get = async (resource: string, name: string, more: object = {}) =>
    (await may(nodeUser, "get", resource, { name, ...more })).allowed;
  objects.put("", "persistentvolumes", {
    metadata: { name: "pv" },
    spec: {
      claimRef: { namespace: "a", name: "c" },
      csi: {
        driver: "d",
        nodeStageSecretRef: { name: "stage", namespace: "s" },
        controllerPublishSecretRef: { name: "publish", namespace: "s" },
      },
    },
  });
  objects.put("", "persistentvolumeclaims", {
    metadata: { name: "c", namespace: "a" },
    spec: { volumeName: "pv" },
  });
  objects.put("storage.k8s.io", "volumeattachments", { metadata: { name: "va" }, spec: { nodeName: "n1" } });
  objects.put("storage.k8s.io", "volumeattachments", {
    metadata: { name: "other" },
    spec: { nodeName: "n2" },
  });
  objects.put("resource.k8s.io", "resourceslices", { metadata: { name: "slice" }, spec: { nodeName: "n1" } });
  const pod = {
    metadata: { name: "p", namespace: "a", uid: "u" },
    spec: {
      nodeName: "n1",
      containers: [],
      volumes: [{ name: "v", persistentVolumeClaim: { claimName: "c" } }],
      resourceClaims: [{ name: "gpu", resourceClaimTemplateName: "t" }],
    },
  };
  assert.ok(!(await get("secrets", "stage", { namespace: "s" })));
  objects.put("", "pods", pod);
  assert.ok(await get("secrets", "stage", { namespace: "s" }));
  assert.ok(!(await get("secrets", "publish", { namespace: "s" })));
  assert.ok(await get("persistentvolumes", "pv"));
  const storage = { apiGroup: "storage.k8s.io" };
  assert.ok(await get("volumeattachments", "va", storage));
  assert.ok(!(await get("volumeattachments", "other", storage)));
  const devices = { apiGroup: "resource.k8s.io" };
  assert.ok(await get("resourceslices", "slice", devices));
  assert.ok(!(await get("resourceclaims", "made", { ...devices, namespace: "a" })));
  // Generated claims and ephemeral containers are known when they are added.
  objects.put("", "pods", {
    ...pod,
    status: { resourceClaimStatuses: [{ name: "gpu", resourceClaimName: "made" }] },
  });
  assert.ok(await get("resourceclaims", "made", { ...devices, namespace: "a" }));
  const debug = {
    ...pod.spec,
    ephemeralContainers: [{ name: "e", envFrom: [{ configMapRef: { name: "late" } }] }],
  };
  objects.put("", "pods", { ...pod, spec: debug });
  assert.ok(await get("configmaps", "late", { namespace: "a" }));
  objects.put("", "pods", {
    ...pod,
    spec: debug,
    metadata: { ...pod.metadata, annotations: { "kubernetes.io/config.mirror": "x" } },
  });
  assert.equal(
    (await may(nodeUser, "list", "secrets", {})).reason,
    "can only read namespaced object of this type",
  );
});

test("a node gets tokens of its own pods alone, for audiences they have volumes for", async () => {
  const { objects, call } = setUp();
  objects.put("", "serviceaccounts", { metadata: { name: "sa", namespace: "a", uid: "sa-uid" } });
  objects.put("", "pods", {
    metadata: { name: "p", namespace: "a", uid: "u" },
    spec: {
      serviceAccountName: "sa",
      nodeName: "n1",
      volumes: [
        { name: "v", projected: { sources: [{ serviceAccountToken: { path: "t", audience: "vault" } }] } },
      ],
    },
  });
  const ask = (spec: object, user = nodeUser) =>
    call(
      "serviceaccounts/token",
      user,
      { spec },
      { namespace: "a", name: "sa", resource: "serviceaccounts" },
    );
  const boundObjectRef = { kind: "Pod", apiVersion: "v1", name: "p", uid: "u" };
  assert.ok((await ask({ boundObjectRef, audiences: ["vault"] })).status["token"]);
  await assert.rejects(() => ask({}), /node requested token not bound to a pod$/);
  await assert.rejects(() => ask({ boundObjectRef: { ...boundObjectRef, uid: "" } }), /without a uid$/);
  await assert.rejects(
    () => ask({ boundObjectRef, audiences: ["other"] }),
    /audience "other" not found in pod spec volume, system:node:n1 is not authorized/,
  );
  await assert.rejects(
    () => ask({ boundObjectRef, audiences: ["vault", "other"] }),
    /node may only request 0 or 1 audiences$/,
  );
  await assert.rejects(
    () => ask({ boundObjectRef, audiences: ["vault"] }, { ...nodeUser, name: "system:node:n2" }),
    /scheduled on a different node$/,
  );
  assert.ok((await ask({ audiences: ["anything"] }, alice)).status["token"]);
});

test("a node reaches its own pods' objects and nothing else", async () => {
  const { objects, may } = setUp();
  const secret = { namespace: "a", name: "s" };
  assert.ok(!(await may(nodeUser, "get", "secrets", secret)).allowed);
  const pod = {
    metadata: { name: "p", namespace: "a", uid: "1" },
    spec: {
      nodeName: "n1",
      serviceAccountName: "sa",
      containers: [],
      volumes: [{ secret: { secretName: "s" } }],
    },
  };
  objects.put("", "pods", pod);
  assert.ok((await may(nodeUser, "get", "secrets", secret)).allowed);
  assert.ok((await may(nodeUser, "create", "serviceaccounts/token", { namespace: "a", name: "sa" })).allowed);
  assert.ok(!(await may({ ...nodeUser, name: "system:node:n2" }, "get", "secrets", secret)).allowed);
  assert.equal(
    (await may(nodeUser, "get", "configmaps", secret)).reason,
    "no relationship found between node 'n1' and this object",
  );
  assert.ok((await may(nodeUser, "watch", "pods", { fieldSelector: "spec.nodeName=n1" })).allowed);
  assert.ok(!(await may(nodeUser, "watch", "pods")).allowed);
  const disguised = { fieldSelector: "spec.nodeName!=a\\,spec.nodeName=n1" };
  assert.ok(!(await may(nodeUser, "list", "pods", disguised)).allowed);
  assert.ok(!(await may(nodeUser, "get", "nodes", { name: "n2" })).allowed);
  const own = { fieldSelector: "metadata.name=n1" };
  assert.ok(!(await may(nodeUser, "get", "nodes", { name: "n2", ...own })).allowed);
  assert.ok(!(await may(nodeUser, "list", "nodes", own)).allowed, "the name alone counts");
  assert.ok((await may(nodeUser, "list", "nodes", { name: "n1", ...own })).allowed);
  objects.delete("", "pods", "a", "p");
  assert.ok(!(await may(nodeUser, "get", "secrets", secret)).allowed);
});

test("a ServiceAccount token lives as long as its account, its pod and its time", async () => {
  let now = Date.now();
  const { objects, auth, call } = setUp({ ...systemClock, now: () => now });
  objects.put("", "serviceaccounts", { metadata: { name: "sa", namespace: "a", uid: "u1" } });
  objects.put("", "pods", {
    metadata: { name: "p", namespace: "a", uid: "p1" },
    spec: { serviceAccountName: "sa" },
  });
  const made = await call(
    "serviceaccounts/token",
    alice,
    { spec: { expirationSeconds: 700, boundObjectRef: { apiVersion: "v1", kind: "Pod", name: "p" } } },
    { namespace: "a", name: "sa" },
  );
  const token = String(made.status["token"]);
  const who = async (bearer: string) =>
    auth.authenticator.authenticate({
      headers: { authorization: `Bearer ${bearer}` },
      peer: { address: "" },
    });
  const user = await who(token);
  assert.equal(user?.name, "system:serviceaccount:a:sa");
  assert.deepEqual(user?.extra?.["authentication.kubernetes.io/pod-name"], ["p"]);
  assert.deepEqual(user?.groups, [
    "system:serviceaccounts",
    "system:serviceaccounts:a",
    "system:authenticated",
  ]);
  const [head, , tail] = token.split(".");
  const forged = Buffer.from(JSON.stringify({ iss: "https://kubernetes.default.svc.cluster.local" }));
  await assert.rejects(() => who(`${head}.${forged.toString("base64url")}.${tail}`), /Unauthorized/);
  const review = await call("tokenreviews.authentication.k8s.io", alice, { spec: { token } });
  assert.equal(review.status["authenticated"], true);
  const wrong = await call("tokenreviews.authentication.k8s.io", alice, {
    spec: { token, audiences: ["x"] },
  });
  assert.equal(wrong.status["authenticated"], undefined);
  assert.match(
    String(wrong.status["error"]),
    /token audiences \["[^",]*"\] is invalid for the target audiences \["x"\]/,
  );
  objects.delete("", "pods", "a", "p");
  await assert.rejects(() => who(token), /Unauthorized/);
  objects.put("", "pods", {
    metadata: { name: "p", namespace: "a", uid: "p1" },
    spec: { serviceAccountName: "sa" },
  });
  assert.ok(await who(token));
  now += 701_000;
  await assert.rejects(() => who(token), /Unauthorized/);
  await assert.rejects(
    () =>
      call(
        "serviceaccounts/token",
        alice,
        { spec: { expirationSeconds: 1 } },
        { namespace: "a", name: "sa" },
      ),
    /may not specify a duration less than 10 minutes/,
  );
});

test("fixed tokens, wrong tokens and no credentials", async () => {
  const { auth } = setUp();
  const warnings: string[] = [];
  const who = async (headers: Record<string, string>) =>
    auth.authenticator.authenticate({
      headers,
      peer: { address: "" },
      warn: (text) => void warnings.push(text),
    });
  assert.equal((await who({ authorization: "Bearer secret-token" }))?.name, "fixed");
  assert.equal(await who({}), undefined);
  await assert.rejects(() => who({ authorization: "Bearer nonsense" }), { reason: "Unauthorized" });
  // The second word is the token; after two spaces there is none.
  assert.equal((await who({ authorization: "bearer secret-token and more" }))?.name, "fixed");
  for (const none of ["Bearer", "Bearer  ", "Basic  x"])
    assert.equal(await who({ authorization: none }), undefined);
  assert.deepEqual(warnings, []);
  assert.equal(await who({ authorization: "Bearer  secret-token" }), undefined);
  assert.deepEqual(warnings, [
    "the provided Authorization header contains extra space before the bearer token, and is ignored",
  ]);
});

test("access reviews answer for oneself and for others", async () => {
  const { objects, call } = setUp();
  objects.put(rbac, "rolebindings", binding("view", [{ kind: "User", name: "alice" }], "team"));
  const spec = { resourceAttributes: { namespace: "team", verb: "list", resource: "pods" } };
  const key = (name: string) => `${name}.authorization.k8s.io`;
  assert.equal((await call(key("selfsubjectaccessreviews"), alice, { spec })).status["allowed"], true);
  const other = { spec: { ...spec, user: "bob" } };
  assert.equal((await call(key("subjectaccessreviews"), alice, other)).status["allowed"], false);
  await assert.rejects(() => call(key("subjectaccessreviews"), alice, { spec }), { reason: "Invalid" });
  const rules = await call(key("selfsubjectrulesreviews"), alice, { spec: { namespace: "team" } });
  assert.ok((rules.status["resourceRules"] as unknown[]).length > 5);
  const self = await call("selfsubjectreviews.authentication.k8s.io", alice, {});
  assert.deepEqual(self.status["userInfo"], { username: "alice", groups: alice.groups });
});
