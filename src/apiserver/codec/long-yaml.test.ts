/** Long YAML is read on a thread of its own: this one serves others meanwhile. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { configMap, type Harness, startHarness } from "../testing/harness.ts";
import { maxBodyBytes } from "./decode.ts";
import { longYamlBytes } from "./long-yaml.ts";

const maps = "/api/v1/namespaces/default/configmaps";
let h: Harness;
before(async () => {
  h = await startHarness();
});
after(() => h.close());

const yaml = { "content-type": "application/yaml" };
/** The lines of an object with data, some more than `bytes` of it. */
const text = (name: string, bytes: number): string =>
  `metadata:\n  name: ${name}\ndata:\n${Array.from({ length: Math.ceil(bytes / 12) }, (_, i) => `  k${i}: "${i}"\n`).join("")}`;

test("others are served while a long text is read, whether it is one or not", async () => {
  for (const [long, status] of [
    [text("long", 4 * longYamlBytes), 201],
    ["- ".repeat(longYamlBytes), 400],
  ] as const) {
    let done = false;
    const answer = h.call("POST", maps, long, yaml).finally(() => (done = true));
    let others = 0;
    while (!done) {
      assert.equal((await h.call("GET", "/version")).status, 200);
      others++;
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.equal((await answer).status, status);
    assert.ok(others > 10, `${others} others`);
  }
  const { body } = await h.call("GET", `${maps}/long`);
  assert.deepEqual([body.data.k0, body.data.k4321], ["0", "4321"]);
});

test("what is wrong with a long text is told as of a short one, and what is applied is read there too", async () => {
  const long = text("same", 2 * longYamlBytes);
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

test("a text that would take all memory takes a thread's, and the next one is read", async () => {
  const refused = await h.call("POST", maps, "- ".repeat(maxBodyBytes / 2), yaml);
  assert.ok(refused.status === 400 || refused.status === 413, `${refused.status}`);
  const made = await h.call("POST", maps, text("next", 2 * longYamlBytes), yaml);
  assert.equal(made.status, 201);
  assert.equal((await h.call("POST", maps, configMap("short"))).status, 201);
});
