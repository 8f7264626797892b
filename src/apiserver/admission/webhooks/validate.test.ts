import assert from "node:assert/strict";
import { test } from "node:test";
import { configMap, failure } from "../../testing/harness.ts";
import { configure, hook, maps, serve, webhookServer } from "../../testing/webhooks.ts";

test("all are asked at once and waited for; the first refusal in their order counts, and everybody's warnings", async (t) => {
  const last = Promise.withResolvers<void>();
  const h = await serve(t);
  const hooks = await webhookServer(t, (_request, path) => ({
    allowed: path === "/b",
    warnings: [`warned by ${path}`],
    status: { message: `refused by ${path}` },
  }));
  // The first answer arrives last.
  hooks.hold = async (path) => {
    if (path === "/c") last.resolve();
    else if (path === "/a") await last.promise;
  };
  await configure(h, "Validating", "v", [
    hook("a", `${hooks.url}/a`),
    hook("b", `${hooks.url}/b`),
    hook("c", `${hooks.url}/c`),
  ]);
  const refused = await h.call("POST", maps, configMap("x"));
  assert.match(failure(refused, 400).message ?? "", /"a.example.com" denied the request: refused by \/a$/);
  assert.equal(refused.headers.warning, '299 - "warned by /a", 299 - "warned by /b", 299 - "warned by /c"');
});

test("what is noted for the audit log", async (t) => {
  const notes: Record<string, string> = {};
  const bodies: Record<string, string> = {};
  const trail = {
    auditId: "1",
    received() {},
    impersonating() {},
    requested() {},
    decided() {},
    annotate(key: string, value: string) {
      notes[key] ??= value;
    },
    spent() {},
    annotateBody(key: string, value: string) {
      bodies[key] ??= value;
    },
    answered: <T>(answer: T): T => answer,
    upgraded: () => () => {},
  };
  const h = await serve(t, { audit: { begin: () => trail } });
  const patch = Buffer.from('[{"value":{"k":"<v>"},"path":"/data","op":"add"}]').toString("base64");
  const hooks = await webhookServer(t, (_request, path) => ({
    allowed: true,
    auditAnnotations: { seen: path },
    ...(path === "/m" ? { patch, patchType: "JSONPatch" } : {}),
  }));
  const gone = { clientConfig: { url: "https://127.0.0.1:1" }, failurePolicy: "Ignore" };
  await configure(h, "Mutating", "first", [hook("other", hooks.url, { rules: [] })]);
  await configure(h, "Mutating", "mc", [
    hook("m", `${hooks.url}/m`),
    { ...hook("gone", hooks.url), ...gone },
  ]);
  await configure(h, "Validating", "vc", [
    hook("v", `${hooks.url}/v`),
    { ...hook("lost", hooks.url), ...gone },
  ]);
  const made = await h.call("POST", maps, configMap("x"));
  assert.equal(made.status, 201, made.text);
  assert.deepEqual(notes, {
    "m.example.com/seen": "/m",
    "mutation.webhook.admission.k8s.io/round_0_index_1":
      '{"configuration":"mc","webhook":"m.example.com","mutated":true}',
    "mutation.webhook.admission.k8s.io/round_0_index_2":
      '{"configuration":"mc","webhook":"gone.example.com","mutated":false}',
    "failed-open.mutation.webhook.admission.k8s.io/round_0_index_2": "gone.example.com",
    "v.example.com/seen": "/v",
    "failed-open.validating.webhook.admission.k8s.io/round_0_index_1": "lost.example.com",
  });
  assert.deepEqual(bodies, {
    "patch.webhook.admission.k8s.io/round_0_index_1":
      '{"configuration":"mc","webhook":"m.example.com","patch":[{"op":"add","path":"/data","value":{"k":"\\u003cv\\u003e"}}],"patchType":"JSONPatch"}',
  });
});

test("a webhook that spares dry runs is asked about them, and told", async (t) => {
  const hooks = await webhookServer(t, () => ({ allowed: true }));
  const h = await serve(t);
  await configure(h, "Validating", "v", [hook("v", hooks.url, { sideEffects: "NoneOnDryRun" })]);
  assert.equal((await h.call("POST", `${maps}?dryRun=All`, configMap("a"))).status, 201);
  assert.equal(hooks.seen[0].dryRun, true);
});
