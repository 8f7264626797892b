import assert from "node:assert/strict";
import { test } from "node:test";
import { specialKey } from "../../registry/registry.ts";
import { failure, pod } from "../../testing/harness.ts";
import { configure, hook, serve, webhookServer } from "../../testing/webhooks.ts";
import type { ServiceAccountTokens } from "../authn/service-account-tokens.ts";
import { tokenRequestHandler } from "./token-request.ts";

const tokens = {
  audiences: ["https://issuer"],
  issue: (wanted: object) => ({ token: JSON.stringify(wanted), id: "id" }),
} as unknown as ServiceAccountTokens;
const special = new Map([
  [
    specialKey("", "serviceaccounts", "token"),
    tokenRequestHandler(tokens, { authorize: () => ({ allowed: true, reason: "" }) }, () => 0),
  ],
]);
const accounts = "/api/v1/namespaces/default/serviceaccounts";
const rules = [
  { operations: ["*"], apiGroups: [""], apiVersions: ["v1"], resources: ["serviceaccounts/token"] },
];

test("who may only refuse sees whose token it is, and for whom; mistakes come before", async (t) => {
  const hooks = await webhookServer(t, () => ({ allowed: true }));
  const h = await serve(t, { special });
  const { uid } = (await h.call("POST", accounts, { metadata: { name: "bot" } })).body.metadata;
  await configure(h, "Mutating", "m", [hook("m", `${hooks.url}/m`, { rules })]);
  await configure(h, "Validating", "v", [hook("v", `${hooks.url}/v`, { rules })]);
  const made = await h.call("POST", `${accounts}/bot/token`, { status: { token: "mine" } });
  assert.equal(made.status, 201, made.text);
  assert.deepEqual(made.body.metadata.managedFields[0].fieldsV1["f:spec"], {
    "f:expirationSeconds": {},
  });
  const [early, late] = hooks.seen.map(({ object }) => object);
  assert.deepEqual(
    [early.metadata.name, early.metadata.uid, early.spec.audiences, early.status.token],
    [undefined, undefined, null, "mine"],
  );
  assert.deepEqual(
    [late.metadata.name, late.metadata.namespace, late.metadata.uid, late.spec.audiences, late.status.token],
    ["bot", "default", uid, ["https://issuer"], ""],
  );
  assert.equal(late.metadata.creationTimestamp, "1970-01-01T00:00:00Z");
  hooks.seen.length = 0;
  const wrong: [string, object, number][] = [
    ["bot", { metadata: { name: "other" } }, 422],
    ["bot", { metadata: { uid: "other" } }, 409],
    ["bot", { spec: { expirationSeconds: 599 } }, 422],
    ["none", {}, 404],
  ];
  for (const [name, body, code] of wrong)
    failure(await h.call("POST", `${accounts}/${name}/token`, body), code);
  assert.deepEqual(
    hooks.seen.map(({ path }) => path),
    ["/m", "/m", "/m", "/m"],
  );
});

test("what a token is bound to is there, belongs to the account and is the same object still", async (t) => {
  const h = await serve(t, { special, plugins: { disable: ["ServiceAccount"] } });
  await h.call("POST", accounts, { metadata: { name: "bot" } });
  const pods = "/api/v1/namespaces/default/pods";
  const { uid } = (await h.call("POST", pods, pod("p", { serviceAccountName: "bot", nodeName: "n" }))).body
    .metadata;
  await h.call("POST", pods, pod("q"));
  const bound = (ref: object) => h.call("POST", `${accounts}/bot/token`, { spec: { boundObjectRef: ref } });
  const named = { kind: "Pod", apiVersion: "v1", name: "p" };
  for (const ref of [
    named,
    { ...named, uid },
    { ...named, apiVersion: "a/b/c" },
    { ...named, apiVersion: "" },
  ]) {
    const made = await bound(ref);
    assert.equal(made.status, 201, made.text);
    assert.deepEqual(JSON.parse(made.body.status.token).bound, {
      pod: { name: "p", uid },
      node: { name: "n", uid: "" },
    });
  }
  const wrong: [object, number, RegExp][] = [
    [
      { ...named, uid: "other" },
      409,
      /^Operation cannot be fulfilled on Pod "p": the UID in the bound object/,
    ],
    [{ ...named, name: "q", uid: "other" }, 400, /to pod running with different serviceaccount name\.$/],
    [{ ...named, name: "none" }, 404, /^pods "none" not found$/],
    [{ ...named, name: "../x" }, 400, /^Name parameter invalid: "..\/x": may not contain '\/'$/],
    [{ ...named, name: "" }, 400, /^Name parameter required\.$/],
    [{ ...named, apiVersion: "apps/v1" }, 400, /^cannot bind token to object of type apps\/v1, Kind=Pod$/],
    [
      { kind: "ConfigMap", apiVersion: "v1", name: "c" },
      400,
      /^cannot bind token to object of type \/v1, Kind=ConfigMap$/,
    ],
  ];
  for (const [ref, code, text] of wrong) assert.match(failure(await bound(ref), code).message ?? "", text);
});
