/** Long YAML is parsed in a thread of its own, while the server serves other requests. */
import assert from "node:assert/strict";
import { after, before, type TestContext, test } from "node:test";
import { Worker } from "node:worker_threads";
import type { SpecialHandler } from "../contract.ts";
import { type Answered, configMap, type Harness, startHarness } from "../testing/harness.ts";
import { longYamlBytes } from "./long-yaml.ts";

const maps = "/api/v1/namespaces/default/configmaps";
let h: Harness;
before(async () => {
  const review = { group: "authorization.k8s.io", version: "v1", kind: "SelfSubjectAccessReview" };
  const handler: SpecialHandler = {
    ...review,
    namespaced: false,
    verbs: ["create"],
    schema: "io.k8s.api.authorization.v1.SelfSubjectAccessReview",
    handle: ({ object }) => Promise.resolve(object()),
  };
  h = await startHarness({
    special: new Map([["selfsubjectaccessreviews.authorization.k8s.io", handler]]),
  });
});
after(() => h.close());

const yaml = { "content-type": "application/yaml" };
/** Lines of an object with slightly more than `bytes` of data. */
const text = (name: string, bytes: number): string =>
  `metadata:\n  name: ${name}\ndata:\n${Array.from({ length: Math.ceil(bytes / 12) }, (_, i) => `  k${i}: "${i}"\n`).join("")}`;

/** Texts reach the thread only when they are released. */
function held(t: TestContext): { texts: () => number; letGo: () => void } {
  const waiting: (() => void)[] = [];
  const send = Worker.prototype.postMessage;
  const post = t.mock.method(
    Worker.prototype,
    "postMessage",
    function (this: Worker, ...args: Parameters<typeof send>) {
      if (typeof args[0]?.text === "string") waiting.push(() => send.apply(this, args));
      else send.apply(this, args);
    },
  );
  return {
    texts: () => waiting.length,
    letGo: () => {
      post.mock.restore();
      for (const each of waiting) each();
    },
  };
}

/** Sends a long body and holds it: other requests are served, and it is answered after its release. */
async function servedMeanwhile(t: TestContext, path: string, long: string): Promise<Answered> {
  const thread = held(t);
  let done = false;
  const answer = h.call("POST", path, long, yaml).finally(() => (done = true));
  while (!done && thread.texts() === 0) assert.equal((await h.call("GET", "/version")).status, 200);
  assert.equal(thread.texts(), 1);
  assert.equal((await h.call("POST", maps, configMap("meanwhile"))).status, 201);
  assert.equal((await h.call("DELETE", `${maps}/meanwhile`)).status, 200);
  assert.ok(!done);
  thread.letGo();
  return answer;
}

test("others are served while a long text is read, whether it is one or not", async (t) => {
  for (const [long, status] of [
    [text("long", longYamlBytes), 201],
    ["- ".repeat(longYamlBytes / 2 + 1), 400],
  ] as const)
    assert.equal((await servedMeanwhile(t, maps, long)).status, status);
  const { body } = await h.call("GET", `${maps}/long`);
  assert.deepEqual([body.data.k0, body.data.k4321], ["0", "4321"]);
});

test("what is wrong with a long text is told as of a short one, and what is applied is read there too", async () => {
  const long = text("same", longYamlBytes);
  for (const mistake of ["  : :\n", "  k0: again\n", " x: *none\n", "\tx: y\n"]) {
    const [of, short] = [long, text("same", 20)].map((each) => each + mistake);
    const path = `${maps}?dryRun=All&fieldValidation=Strict`;
    const told = await h.call("POST", path, of, yaml);
    const shortly = await h.call("POST", path, short, yaml);
    const plain = (message: string): string => message.replaceAll(/line \d+/g, "line N");
    assert.deepEqual([told.status, plain(told.body.message)], [shortly.status, plain(shortly.body.message)]);
  }
  const apply = { "content-type": "application/apply-patch+yaml" };
  const applied = await h.call(
    "PATCH",
    `${maps}/same?fieldManager=m`,
    `apiVersion: v1\nkind: ConfigMap\n${long}`,
    apply,
  );
  assert.equal(applied.status, 201);
  assert.equal(applied.body.data.k1, "1");
  const deep = `{"metadata":{"name":"deep"},"x":${"[".repeat(9000)}${"]".repeat(9000)},"data":{"a":"${"b".repeat(longYamlBytes)}"}}`;
  assert.equal((await h.call("POST", maps, deep, yaml)).status, 201);
});

test("reviews are read there too", async (t) => {
  const reviews = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
  const review = `spec:\n  nonResourceAttributes: {path: /, verb: get}\nx:\n${"  - a\n".repeat(longYamlBytes / 6)}`;
  const { status, text: told } = await servedMeanwhile(t, reviews, review);
  assert.equal(status, 201, told);
});
