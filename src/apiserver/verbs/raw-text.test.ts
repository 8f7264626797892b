import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Answered, failure, type Harness, startHarness } from "../testing/harness.ts";

let h: Harness;
const revisions = "/apis/apps/v1/namespaces/default/controllerrevisions";
const classes = "/apis/resource.k8s.io/v1/deviceclasses";

before(async () => {
  h = await startHarness();
});
after(() => h.close());

const json = { "content-type": "application/json" };
const patch = (path: string, type: "json" | "merge" | "strategic-merge", body: unknown): Promise<Answered> =>
  h.call("PATCH", path, body, { "content-type": `application/${type}-patch+json` });
const revision = (name: string, data: string, more = ""): string =>
  `{"metadata":{"name":"${name}"},"revision":1,"data":${data}${more}}`;
const refused = async (answer: Promise<Answered>): Promise<string> =>
  failure(await answer, 422).message ?? "";

test("data is kept as the text it was given in, whatever else is written", async () => {
  const data = '{"b":1.50,"n":123456789012345678901234567890,"a":1,"a":2}';
  const made = await h.call("POST", revisions, revision("kept", data), json);
  assert.equal(made.status, 201);
  for (const type of ["merge", "json"] as const) {
    const change = type === "merge" ? { revision: 2 } : [{ op: "replace", path: "/revision", value: 3 }];
    assert.equal((await patch(`${revisions}/kept`, type, change)).status, 200);
  }
  const { text } = await h.call("GET", `${revisions}/kept`);
  assert.ok(text.includes(`"data":${data}`), text);
});

test("a patch that goes through the values has another text, and that is refused", async () => {
  await h.call("POST", revisions, revision("values", '{"b":1.50,"a":[]}'), json);
  const immutable = (text: string): string =>
    `ControllerRevision.apps "values" is invalid: data: Invalid value: ${text}: field is immutable`;
  const path = `${revisions}/values`;
  assert.equal(await refused(patch(path, "strategic-merge", { revision: 2 })), immutable('{"a":[],"b":1.5}'));
  // The same value in another order, as a replacement.
  assert.equal(await refused(patch(path, "merge", { data: { c: null } })), immutable('{"a":[],"b":1.50}'));
  const put = h.call("PUT", path, revision("values", '{"b":1.5,"a":[]}'), json);
  assert.equal(await refused(put), immutable('{"b":1.5,"a":[]}'));
});

test("white space makes another text, which a merge patch has gone through without it", async () => {
  await h.call("POST", revisions, revision("spaced", '{\n "a": "<" }'), json);
  const path = `${revisions}/spaced`;
  assert.match(
    await refused(patch(path, "merge", { revision: 2 })),
    /: \{"a":"\\u003c"\}: field is immutable/,
  );
  assert.equal((await h.call("PUT", path, revision("spaced", '{\n "a": "<" }'), json)).status, 200);
});

test("a class counts another generation for another text of the same parameters", async () => {
  const parameters = '{"b":1.50, "a":1}';
  const spec = `{"config":[{"opaque":{"driver":"d.io","parameters":${parameters}}}]}`;
  await h.call("POST", classes, `{"metadata":{"name":"gold"},"spec":${spec}}`, json);
  const generation = async (type: "merge" | "strategic-merge", label: string): Promise<unknown> => {
    const { body } = await patch(`${classes}/gold`, type, { metadata: { labels: { a: label } } });
    return (body as { metadata: { generation: number } }).metadata.generation;
  };
  assert.equal(await generation("merge", "1"), 2);
  assert.equal(await generation("merge", "2"), 2);
  assert.equal(await generation("strategic-merge", "3"), 3);
});
