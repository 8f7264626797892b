import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { KubeObject } from "../../../api/index.ts";
import type { SpecialHandler } from "../../contract.ts";
import { specialKey } from "../../registry/registry.ts";
import { configMap, pod } from "../../testing/harness.ts";
import { configure, hook, maps, patchOf, serve, webhookServer } from "../../testing/webhooks.ts";

const everything = [{ operations: ["*"], apiGroups: ["*"], apiVersions: ["*"], resources: ["*/*"] }];

/** A server with one webhook for everything; `asked` returns the reviews since the last call. */
async function watched(t: TestContext, options?: Parameters<typeof serve>[1]) {
  const hooks = await webhookServer(t, () => ({ allowed: true }));
  const h = await serve(t, { plugins: { disable: ["ServiceAccount"] }, ...options });
  await configure(h, "Validating", "v", [hook("v", hooks.url, { rules: everything })]);
  return { h, asked: () => hooks.seen.splice(0) };
}

/** Accepts every connection and answers nothing. */
const connection: SpecialHandler = {
  group: "",
  version: "v1",
  kind: "PodExecOptions",
  namespaced: true,
  verbs: [],
  anyMethod: true,
  handle: async () => ({ kind: "Status", apiVersion: "v1" }) as KubeObject,
};

const merge = { "content-type": "application/merge-patch+json" };
const apply = { "content-type": "application/apply-patch+yaml" };

test("the options of a write, and what a patch is admitted as", async (t) => {
  const { h, asked } = await watched(t);
  const options = async (method: string, path: string, body?: unknown, headers?: Record<string, string>) => {
    await h.call(method, `${maps}${path}`, body, headers);
    return asked().map(({ operation, options: given, dryRun }) => [operation, given, dryRun]);
  };
  const of = (kind: string, more: object = {}) => ({ kind, apiVersion: "meta.k8s.io/v1", ...more });
  assert.deepEqual(await options("POST", "?fieldManager=m&fieldValidation=Strict", configMap("a")), [
    ["CREATE", of("CreateOptions", { fieldManager: "m", fieldValidation: "Strict" }), false],
  ]);
  assert.deepEqual(await options("POST", "?dryRun=All", configMap("b")), [
    ["CREATE", of("CreateOptions", { dryRun: ["All"] }), true],
  ]);
  assert.deepEqual(await options("PUT", "/a?fieldManager=m", configMap("a", { k: "1" })), [
    ["UPDATE", of("UpdateOptions", { fieldManager: "m" }), false],
  ]);
  assert.deepEqual(await options("PATCH", "/a", { data: { k: "2" } }, merge), [
    ["UPDATE", of("UpdateOptions"), false],
  ]);
  assert.deepEqual(await options("PATCH", "/a?fieldManager=m&force=true", configMap("a"), apply), [
    ["UPDATE", of("UpdateOptions", { fieldManager: "m" }), false],
  ]);
  assert.deepEqual(await options("PATCH", "/new?fieldManager=m", configMap("new"), apply), [
    ["CREATE", of("CreateOptions", { fieldManager: "m" }), false],
  ]);
});

test("the options of a deletion, one review for each object of a collection", async (t) => {
  const { h, asked } = await watched(t);
  const make = async (name: string) => {
    await h.call("POST", maps, configMap(name, {}, { l: "1" }));
    asked();
  };
  const of = (more: object) => ({ kind: "DeleteOptions", apiVersion: "meta.k8s.io/v1", ...more });
  await make("a");
  await h.call("DELETE", `${maps}/a?gracePeriodSeconds=5&propagationPolicy=Background&dryRun=All`);
  const [query] = asked();
  assert.deepEqual(
    query.options,
    of({ gracePeriodSeconds: 5, propagationPolicy: "Background", dryRun: ["All"] }),
  );
  assert.deepEqual([query.object, query.oldObject.metadata.name, query.name], [null, "a", "a"]);
  const { uid } = query.oldObject.metadata;
  await h.call("DELETE", `${maps}/a`, { orphanDependents: false, preconditions: { uid } });
  assert.deepEqual(asked()[0].options, of({ preconditions: { uid }, orphanDependents: false }));
  await make("b");
  await make("c");
  await h.call("DELETE", `${maps}?labelSelector=l`);
  assert.deepEqual(
    asked()
      .map(({ name, operation, oldObject }) => [operation, name, oldObject.metadata.name])
      .sort(),
    [
      ["DELETE", undefined, "b"],
      ["DELETE", undefined, "c"],
    ],
  );
});

test("the object is as its client sent it while it may change, and as it will be stored afterwards", async (t) => {
  const hooks = await webhookServer(t, () => ({ allowed: true }));
  const h = await serve(t, { admission: true, plugins: { disable: ["ServiceAccount"] } });
  await configure(h, "Mutating", "m", [hook("m", `${hooks.url}/m`, { rules: everything })]);
  await configure(h, "Validating", "v", [hook("v", `${hooks.url}/v`, { rules: everything })]);
  const made = await h.call("POST", "/api/v1/namespaces/default/pods", pod("p"));
  assert.equal(made.status, 201, made.text);
  const [early, late] = hooks.seen.splice(0);
  assert.deepEqual([early.path, late.path], ["/m", "/v"]);
  assert.deepEqual(early.object.status, {}, "what Go writes always is there");
  assert.equal(early.object.metadata.uid, undefined);
  assert.equal(late.object.status.phase, "Pending");
  assert.equal(late.object.metadata.uid, made.body.metadata.uid);
  await h.call("PUT", `${maps}/none`, configMap("none"));
  assert.equal(hooks.seen.length, 0, "nothing is asked about what is not there");
  await h.call("POST", maps, configMap("a"));
  hooks.seen.splice(0);
  await h.call("PUT", `${maps}/a`, configMap("a", { k: "v" }));
  const [sent, merged] = hooks.seen.splice(0);
  assert.deepEqual([sent.object.metadata.uid, sent.object.metadata.resourceVersion], [undefined, undefined]);
  assert.equal(merged.object.metadata.uid, merged.oldObject.metadata.uid);
  assert.equal(merged.object.metadata.resourceVersion, merged.oldObject.metadata.resourceVersion);
});

test("who asks, with everything that is known of him", async (t) => {
  const user = { name: "u", uid: "1", groups: ["a", "b"], extra: { "some/key": ["1", "2"] } };
  const { h, asked } = await watched(t, { authenticator: { authenticate: () => user } });
  await h.call("POST", maps, configMap("a"));
  const { name: username, ...rest } = user;
  assert.deepEqual(asked()[0].userInfo, { username, ...rest });
});

test("a connection: its options are the object, and there is nothing else", async (t) => {
  const special = new Map(
    ["exec", "attach", "portforward", "proxy"].map((name) => [specialKey("", "pods", name), connection]),
  );
  const { h, asked } = await watched(t, { special });
  const at = "/api/v1/namespaces/default/pods/p";
  await h.call("GET", `${at}/exec?container=c&command=a&command=b&stdin=true&tty=false`);
  const [exec] = asked();
  assert.deepEqual(
    [exec.operation, exec.kind.kind, exec.subResource, exec.oldObject, exec.options, exec.dryRun],
    ["CONNECT", "PodExecOptions", "exec", null, null, false],
  );
  assert.deepEqual(exec.object, {
    kind: "PodExecOptions",
    apiVersion: "v1",
    stdin: true,
    container: "c",
    command: ["a", "b"],
  });
  await h.call("GET", `${at}/attach?stdout=1`);
  await h.call("GET", `${at}/portforward?ports=80&ports=81`);
  for (const path of ["/proxy", "/proxy/", "/proxy/a/b?x=1"]) await h.call("GET", at + path);
  assert.deepEqual(
    asked().map(({ object: { kind, apiVersion: _, ...options } }) => [kind, options]),
    [
      ["PodAttachOptions", { stdout: true }],
      ["PodPortForwardOptions", { ports: [80, 81] }],
      ["PodProxyOptions", {}],
      ["PodProxyOptions", { path: "/" }],
      ["PodProxyOptions", { path: "/a/b" }],
    ],
  );
  const dry = await h.call("POST", `${at}/exec?command=a&dryRun=All`);
  assert.equal(dry.body.message, "dryRun is not supported");
  assert.equal(asked().length, 0);
});

test("bindings and evictions: objects of their own kinds; an eviction is no deletion", async (t) => {
  const { h, asked } = await watched(t);
  await h.call("POST", "/api/v1/namespaces/default/pods", pod("p"));
  asked();
  const at = "/api/v1/namespaces/default/pods/p";
  await h.call("POST", `${at}/binding`, { metadata: { name: "p" }, target: { kind: "Node", name: "n" } });
  const [binding] = asked();
  assert.deepEqual(
    [binding.operation, binding.kind, binding.resource.resource, binding.subResource],
    ["CREATE", { group: "", version: "v1", kind: "Binding" }, "pods", "binding"],
  );
  assert.equal(binding.object.metadata.namespace, "default");
  assert.deepEqual(binding.object.metadata.managedFields[0].fieldsV1, { "f:target": {} });
  await h.call("POST", `${at}/eviction`, {
    apiVersion: "policy/v1",
    kind: "Eviction",
    metadata: { name: "p" },
  });
  const reviews = asked();
  assert.deepEqual(
    reviews.map(({ operation, kind, subResource }) => [operation, kind.group, kind.kind, subResource]),
    [["CREATE", "policy", "Eviction", "eviction"]],
  );
});

test("reviews and token requests are admitted: checked once they cannot change any more, then asked about", async (t) => {
  const stages: string[] = [];
  const token: SpecialHandler = {
    group: "authentication.k8s.io",
    version: "v1",
    kind: "TokenRequest",
    schema: "io.k8s.api.authentication.v1.TokenRequest",
    namespaced: true,
    verbs: ["create"],
    defaults: (object) => Object.assign(object, { spec: { audiences: ["a"], expirationSeconds: 600 } }),
    check: () => void stages.push("checked"),
    handle: async ({ object }) => object(),
  };
  const special = new Map([[specialKey("", "serviceaccounts", "token"), token]]);
  const hooks = await webhookServer(t, (_request, path) => {
    stages.push(path);
    return path === "/m"
      ? patchOf([{ op: "replace", path: "/spec/expirationSeconds", value: 700 }])
      : { allowed: true };
  });
  const h = await serve(t, { special });
  await configure(h, "Mutating", "m", [hook("m", `${hooks.url}/m`, { rules: everything })]);
  await configure(h, "Validating", "v", [hook("v", `${hooks.url}/v`, { rules: everything })]);
  const made = await h.call("POST", "/api/v1/namespaces/default/serviceaccounts/sa/token", { spec: {} });
  assert.equal(made.status, 201, made.text);
  assert.equal(made.body.spec.expirationSeconds, 700);
  assert.deepEqual(stages, ["/m", "checked", "/v"]);
  const [review] = hooks.seen;
  assert.deepEqual(
    [review.kind.kind, review.resource.resource, review.subResource, review.name],
    ["TokenRequest", "serviceaccounts", "token", "sa"],
  );
  assert.deepEqual(review.object.status, { token: "", expirationTimestamp: null });
  assert.equal(review.object.metadata.managedFields[0].subresource, "token");
});

test("a Scale has the owners of the number that it shows", async (t) => {
  const hooks = await webhookServer(t, () => ({ allowed: true }));
  const h = await serve(t);
  const at = "/api/v1/namespaces/default/replicationcontrollers";
  const container = { name: "c", image: "i" };
  const template = { metadata: { labels: { a: "b" } }, spec: { containers: [container] } };
  const made = await h.call("POST", `${at}?fieldManager=maker`, {
    metadata: { name: "r" },
    spec: { replicas: 1, selector: { a: "b" }, template },
  });
  assert.equal(made.status, 201, made.text);
  await configure(h, "Mutating", "m", [hook("m", hooks.url, { rules: everything })]);
  await h.call("PATCH", `${at}/r/scale?fieldManager=scaler`, { spec: { replicas: 3 } }, merge);
  const [{ object, oldObject, subResource, kind }] = hooks.seen;
  assert.deepEqual(
    [kind.kind, subResource, oldObject.spec.replicas, object.spec.replicas],
    ["Scale", "scale", 1, 3],
  );
  const owners = ({ metadata }: { metadata: { managedFields: { manager: string; fieldsV1: object }[] } }) =>
    metadata.managedFields.map(({ manager, fieldsV1 }) => [manager, fieldsV1]);
  const fields = { "f:spec": { "f:replicas": {} } };
  assert.deepEqual([owners(oldObject), owners(object)], [[["maker", fields]], [["scaler", fields]]]);
});

test("a webhook can change the options of a connection", async (t) => {
  const seen: (string | null)[] = [];
  const exec: SpecialHandler = {
    ...connection,
    handle: async ({ info }) => {
      seen.push(info.query.get("container"), ...info.query.getAll("command"));
      return { kind: "Status", apiVersion: "v1" } as KubeObject;
    },
  };
  const hooks = await webhookServer(t, () => patchOf([{ op: "add", path: "/container", value: "other" }]));
  const h = await serve(t, { special: new Map([[specialKey("", "pods", "exec"), exec]]) });
  await configure(h, "Mutating", "m", [hook("m", hooks.url, { rules: everything })]);
  await h.call("GET", "/api/v1/namespaces/default/pods/p/exec?command=a&command=b");
  assert.deepEqual(seen, ["other", "a", "b"]);
});

test("a pod that is going is not asked about again, unless it shall go sooner", async (t) => {
  const { h, asked } = await watched(t);
  const at = "/api/v1/namespaces/default/pods";
  await h.call("POST", at, pod("p", { nodeName: "n" }));
  asked();
  const grace = async (query: string) => {
    await h.call("DELETE", `${at}/p${query}`);
    return asked().map(({ options }) => options.gracePeriodSeconds);
  };
  assert.deepEqual(await grace(""), [30]);
  assert.deepEqual(await grace(""), []);
  assert.deepEqual(await grace("?gracePeriodSeconds=60"), []);
  assert.deepEqual(await grace("?gracePeriodSeconds=5"), [5]);
});

test("v1beta1 reviews for whoever knows nothing newer", async (t) => {
  const hooks = await webhookServer(t, () => ({ allowed: true, uid: "any" }));
  const h = await serve(t);
  await configure(h, "Validating", "v", [
    hook("v", hooks.url, { admissionReviewVersions: ["v9", "v1beta1", "v1"] }),
  ]);
  const made = await h.call("POST", maps, configMap("a"));
  assert.equal(made.status, 500, made.text);
  assert.match(
    made.body.message,
    /converting \(v1.AdmissionReview\) to \(v1beta1.AdmissionReview\): unknown conversion/,
  );
});
