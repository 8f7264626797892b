import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../machinery/index.ts";
import type { AuthorizationAttributes, Authorizer } from "./auth-contract.ts";
import { Gate } from "./gate.ts";
import { Meters } from "./metrics/meters.ts";
import { MetricsRegistry } from "./metrics/registry.ts";
import { parseRequestInfo } from "./request-info.ts";

/** A gate for requests of one user. */
const gateBy = (authorize: Authorizer["authorize"]): Gate =>
  new Gate(
    systemClock,
    { authenticate: () => ({ name: "eve", groups: [] }) },
    { authorize },
    new Meters(new MetricsRegistry()),
  );

/** The attributes of a request for authorizers. */
async function askedFor(method: string, target: string): Promise<AuthorizationAttributes> {
  let asked: AuthorizationAttributes | undefined;
  const authorize = (attributes: AuthorizationAttributes) => {
    asked = attributes;
    return { allowed: true, reason: "" };
  };
  const gate = gateBy(authorize);
  await gate.admit({ method, path: target, peer: { address: "" } }, parseRequestInfo(method, target));
  assert.ok(asked);
  return asked;
}

test("where an authorizer failed, and nobody allows the request, it is answered with 500", async () => {
  const authorize = () => ({ allowed: false, reason: "", error: "<down>" });
  const gate = gateBy(authorize);
  const target = "/version?a&b";
  const request = { method: "GET", path: target, peer: { address: "" } };
  await assert.rejects(gate.admit(request, parseRequestInfo("GET", target)), {
    name: "PageError",
    status: 500,
    message: 'Internal Server Error: "/version?a&amp;b": &lt;down&gt;\n',
  });
});

const secrets = "/api/v1/namespaces/n/secrets";
const selectors = "fieldSelector=metadata.name%3Dmine&labelSelector=a";

test("a list or watch of one name is asked about by that name", async () => {
  for (const [target, verb] of [
    [`${secrets}?${selectors}`, "list"],
    [`${secrets}?watch=1&${selectors}`, "watch"],
  ] as const) {
    const asked = await askedFor("GET", target);
    assert.deepEqual(
      [asked.verb, asked.name, asked.fieldSelector, asked.labelSelector],
      [verb, "mine", "metadata.name=mine", "a"],
    );
  }
});

test("the selectors of other requests do not reach authorizers", async () => {
  for (const [method, target, name] of [
    ["POST", `${secrets}?${selectors}`, ""],
    ["GET", `${secrets}/other?${selectors}`, "other"],
    ["GET", `/api/v1/nodes/elsewhere?${selectors}`, "elsewhere"],
    ["PUT", `${secrets}/other?${selectors}`, "other"],
    ["PATCH", `${secrets}/other?${selectors}`, "other"],
    ["DELETE", `${secrets}/other?${selectors}`, "other"],
    ["GET", `/api/v1/watch/namespaces/n/secrets?${selectors}`, ""],
    ["GET", `/apis/apps/v1/watch/deployments?watch=1&${selectors}`, ""],
    ["GET", `/version?${selectors}`, ""],
  ] as const) {
    const asked = await askedFor(method, target);
    const where = `${method} ${target}`;
    assert.equal(asked.name, name, where);
    assert.ok(!("fieldSelector" in asked) && !("labelSelector" in asked), where);
  }
});

test("a deletion of a collection has selectors, and no name", async () => {
  const asked = await askedFor("DELETE", `${secrets}?${selectors}`);
  assert.deepEqual(
    [asked.verb, asked.name, asked.fieldSelector, asked.labelSelector],
    ["deletecollection", "", "metadata.name=mine", "a"],
  );
});

test("only what a selector requires is a name", async () => {
  const nameOf = async (selector: string, more = "") =>
    (await askedFor("GET", `${secrets}?fieldSelector=${encodeURIComponent(selector)}${more}`)).name;
  assert.equal(await nameOf("metadata.namespace=n,metadata.name==mine"), "mine");
  assert.equal(await nameOf("metadata.name=a\\,b"), "a,b");
  for (const none of [
    "metadata.name!=mine",
    "metadata.namespace!=a\\,metadata.name=mine",
    "metadata.name=..",
    "metadata.name=a/b",
    "metadata.name=mine,broken",
  ])
    assert.equal(await nameOf(none), "", none);
  assert.equal(await nameOf("metadata.name=mine", "&labelSelector=%21%21"), "");
  assert.equal(await nameOf("metadata.name=mine", "&limit=5&timeoutSeconds=-1&watch=x"), "mine");
  for (const wrong of ["limit=abc", "limit=", "limit=1.5", "timeoutSeconds=9223372036854775808"])
    assert.equal(await nameOf("metadata.name=mine", `&${wrong}`), "", wrong);
});
