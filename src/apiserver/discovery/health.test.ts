import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLogger } from "../../machinery/index.ts";
import { Health } from "./health.ts";
import { StartSteps } from "./start-steps.ts";

function setUp() {
  const steps = new StartSteps(["one", "rbac/two"]);
  const health = new Health(
    [
      { name: "ping", run: () => {} },
      { name: "etcd", run: () => Promise.resolve() },
      ...steps.checks(),
      { name: "shutdown", run: () => {}, at: ["readyz"] },
    ],
    silentLogger,
  );
  const ask = async (path: string, query = "") => {
    const answer = await health.answer(path, new URLSearchParams(query));
    return answer && [answer.status, Buffer.from(answer.body as Uint8Array).toString()];
  };
  return { steps, health, ask };
}

test("a server that starts is not ready before every step is done, and says which are not", async () => {
  const { steps, ask } = setUp();
  steps.done("one");
  const half = `[+]ping ok
[+]etcd ok
[+]poststarthook/one ok
[-]poststarthook/rbac/two failed: reason withheld
[+]shutdown ok
readyz check failed
`;
  assert.deepEqual(await ask("/readyz"), [500, half]);
  assert.deepEqual(await ask("/readyz", "exclude=poststarthook/rbac/two"), [200, "ok"]);
  const single = "/readyz/poststarthook/rbac/two";
  assert.deepEqual(await ask(single), [500, "internal server error: not finished\n"]);
  steps.done("rbac/two");
  assert.deepEqual(await ask("/readyz"), [200, "ok"]);
  assert.deepEqual(await ask(single, "verbose"), [200, "ok"]);
});

test("what ends is alive and not ready: shutdown is a matter of readyz alone", async () => {
  const { ask, health } = setUp();
  assert.equal(await ask("/livez/shutdown"), undefined);
  assert.deepEqual(await ask("/readyz/shutdown"), [200, "ok"]);
  assert.equal(await ask("/healthz/none"), undefined);
  const paths = [...health.paths()];
  assert.ok(paths.includes("/readyz/shutdown"));
  assert.ok(!paths.includes("/livez/shutdown"));
  assert.ok(paths.includes("/livez/poststarthook/rbac/two"));
});

test("what checks found is counted by endpoint; what is excluded is not", async () => {
  const { steps, health, ask } = setUp();
  await ask("/livez");
  steps.done("one", "rbac/two");
  await ask("/livez", "exclude=ping");
  const text = await health.metrics.text();
  assert.match(text, /^kubernetes_healthcheck\{name="poststarthook\/one",type="livez"\} 1$/m);
  assert.match(
    text,
    /^kubernetes_healthchecks_total\{name="poststarthook\/one",status="error",type="livez"\} 1$/m,
  );
  assert.match(
    text,
    /^kubernetes_healthchecks_total\{name="poststarthook\/one",status="success",type="livez"\} 1$/m,
  );
  assert.match(text, /^kubernetes_healthchecks_total\{name="ping",status="success",type="livez"\} 1$/m);
  assert.doesNotMatch(text, /readyz/);
});
