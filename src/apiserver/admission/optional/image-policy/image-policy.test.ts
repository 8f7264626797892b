import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { AuditEvent } from "../../../audit/event.ts";
import { auditBy, recorder } from "../../../testing/audit.ts";
import { failure, type Harness, pod, startHarness } from "../../../testing/harness.ts";
import { imagePolicySettings } from "./settings.ts";

interface Said {
  code?: number;
  type?: string;
  body: unknown;
}

// biome-ignore lint: reviews are looked into freely
type Review = any;

/** A webhook, its configuration file, and the reviews it received. */
async function webhook(t: TestContext, answer: (image: string) => Said) {
  const asked: { url: string | undefined; review: Review }[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const review = JSON.parse(Buffer.concat(parts).toString()) as Review;
      asked.push({ url: request.url, review });
      const {
        code = 200,
        type = "application/json",
        body,
      } = answer(review.spec.containers[0].image as string);
      response.writeHead(code, { "content-type": type });
      response.end(typeof body === "string" ? body : JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const dir = mkdtempSync(join(tmpdir(), "images-"));
  const close = (): Promise<unknown> => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  t.after(async () => {
    rmSync(dir, { recursive: true });
    await close();
  });
  const { port } = server.address() as AddressInfo;
  const file = join(dir, "kubeconfig");
  const config = {
    "current-context": "x",
    contexts: [{ name: "x", context: { cluster: "x" } }],
    clusters: [{ name: "x", cluster: { server: `http://127.0.0.1:${port}/policy/` } }],
  };
  writeFileSync(file, JSON.stringify(config));
  return { asked, file, port, close };
}

async function start(
  t: TestContext,
  kubeConfigFile: string,
  more: object = {},
  options: Parameters<typeof startHarness>[0] = {},
): Promise<Harness> {
  const told = { imagePolicy: { kubeConfigFile, allowTTL: 10, denyTTL: 5, retryBackoff: -1, ...more } };
  const h = await startHarness({
    plugins: { enable: ["ImagePolicyWebhook"] },
    pluginConfiguration: new Map([["ImagePolicyWebhook", told]]),
    ...options,
  });
  t.after(() => h.close());
  await h.call("POST", "/api/v1/namespaces/default/serviceaccounts", { metadata: { name: "default" } });
  return h;
}

const pods = "/api/v1/namespaces/default/pods";
const create = (h: Harness, name: string, image: string, annotations = {}) => {
  const body = pod(name, {
    containers: [{ name: "c", image }],
    initContainers: [{ name: "i", image: "init" }],
  });
  return h.call("POST", pods, { ...body, metadata: { name, annotations } });
};
const review = (status: unknown): Said => ({
  body: { apiVersion: "imagepolicy.k8s.io/v1alpha1", kind: "ImageReview", status },
});

test("a webhook is asked about all images of a pod, and its word is remembered for a while", async (t) => {
  const events: AuditEvent[] = [];
  const hook = await webhook(t, (image) =>
    review(
      image === "bad"
        ? { allowed: false, reason: "no" }
        : { allowed: image !== "worse", auditAnnotations: { a: "b" } },
    ),
  );
  const rules = [{ level: "Metadata", resources: [{ resources: ["pods"] }] }];
  const h = await start(
    t,
    hook.file,
    {},
    {
      audit: auditBy(
        rules,
        recorder((event) => events.push(event)),
      ),
    },
  );
  const annotations = { "x.image-policy.k8s.io/y": "z", other: "o" };
  assert.equal((await create(h, "p", "good", annotations)).status, 201);
  assert.deepEqual(hook.asked, [
    {
      url: "/policy?timeout=30s",
      review: {
        kind: "ImageReview",
        apiVersion: "imagepolicy.k8s.io/v1alpha1",
        metadata: {},
        spec: {
          containers: [{ image: "good" }, { image: "init" }],
          annotations: { "x.image-policy.k8s.io/y": "z" },
          namespace: "default",
        },
        status: { allowed: false },
      },
    },
  ]);
  assert.equal(events.at(-1)?.annotations?.["imagepolicywebhook.image-policy.k8s.io/a"], "b");
  assert.equal(
    failure(await create(h, "q", "bad"), 403).message,
    'pods "q" is forbidden: image policy webhook backend denied one or more images: no',
  );
  assert.equal(
    failure(await create(h, "q", "worse"), 403).message,
    'pods "q" is forbidden: one or more images rejected by webhook backend',
  );
  assert.equal(hook.asked.length, 3);
  await h.clock.run(6000);
  assert.equal((await create(h, "q", "good", annotations)).status, 201);
  assert.equal(hook.asked.length, 3, "a permission lasts ten seconds");
  failure(await create(h, "r", "bad"), 403);
  assert.equal(hook.asked.length, 4, "a refusal lasts five");
  await h.clock.run(5000);
  const labelled = await h.call(
    "PATCH",
    `${pods}/p`,
    { metadata: { labels: { a: "b" } } },
    { "content-type": "application/merge-patch+json" },
  );
  assert.equal(labelled.status, 200);
  assert.equal(hook.asked.length, 5, "every change of a pod is asked about");
  const ephemeral = { spec: { ephemeralContainers: [{ name: "e", image: "bad" }] } };
  const added = await h.call("PATCH", `${pods}/p/ephemeralcontainers`, ephemeral, {
    "content-type": "application/strategic-merge-patch+json",
  });
  failure(added, 403);
  assert.deepEqual(hook.asked.at(-1)?.review.spec.containers, [{ image: "bad" }]);
});

test("what is no answer refuses the pod in client-go's words; a failing webhook is asked five times", async (t) => {
  const status = { kind: "Status", apiVersion: "v1", status: "Failure", message: "mine" };
  const answers: Record<string, Said> = {
    e500: { code: 500, type: "text/plain", body: "boom" },
    e404: { code: 404, body: "" },
    e400: { code: 400, body: status },
    status: { body: status },
    empty: { body: "" },
    junk: { body: "junk" },
    nokind: { body: { status: { allowed: true } } },
    other: { body: { apiVersion: "imagepolicy.k8s.io/v1", kind: "ImageReview", status: { allowed: true } } },
    type: review({ allowed: "yes" }),
  };
  const hook = await webhook(t, (image) => answers[image] as Said);
  const h = await start(t, hook.file);
  const why = async (image: string): Promise<string> =>
    (failure(await create(h, "p", image), 403).message ?? "").replace('pods "p" is forbidden: ', "");
  assert.equal(
    await why("e500"),
    'an error on the server ("boom") has prevented the request from succeeding',
  );
  assert.equal(hook.asked.length, 5);
  assert.equal(await why("e404"), "the server could not find the requested resource");
  assert.equal(await why("e400"), "mine");
  assert.equal(await why("status"), "converting (v1.Status) to (v1alpha1.ImageReview): unknown conversion");
  assert.equal(
    await why("empty"),
    "0-length response with status code: 200 and content type: application/json",
  );
  assert.match(
    await why("junk"),
    /^couldn't get version\/kind; json parse error: json: cannot unmarshal string into/,
  );
  assert.equal(
    await why("other"),
    'no kind "ImageReview" is registered for version "imagepolicy.k8s.io/v1" in scheme "pkg/runtime/scheme.go:111"',
  );
  assert.equal(
    await why("type"),
    "json: cannot unmarshal string into Go struct field ImageReviewStatus.status.allowed of type bool",
  );
  assert.equal((await create(h, "p", "nokind")).status, 201);
  assert.equal(hook.asked.length, 13);
  await hook.close();
  assert.equal(
    await why("e404"),
    `Post "http://127.0.0.1:${hook.port}/policy?timeout=30s": dial tcp 127.0.0.1:${hook.port}: connect: connection refused`,
  );
});

test("defaultAllow lets a pod in that nobody judges, which is recorded", async (t) => {
  const events: AuditEvent[] = [];
  const hook = await webhook(t, () => ({ code: 404, body: "" }));
  const rules = [{ level: "Metadata", resources: [{ resources: ["pods"] }] }];
  const audit = auditBy(
    rules,
    recorder((event) => events.push(event)),
  );
  const h = await start(t, hook.file, { defaultAllow: true }, { audit });
  assert.equal((await create(h, "p", "i", { a: "b" })).status, 201);
  const { metadata } = (await h.call("GET", `${pods}/p`)).body;
  assert.deepEqual(metadata.annotations, { a: "b" });
  const said = events.findLast(({ verb }) => verb === "create")?.annotations;
  assert.equal(said?.["imagepolicywebhook.image-policy.k8s.io/failed-open"], "true");
});

test("what it is told: -1 turns off, 0 is the default, the rest has its bounds", () => {
  const read = (imagePolicy: object) =>
    imagePolicySettings({ imagePolicy: { kubeConfigFile: "/x", ...imagePolicy } });
  assert.deepEqual(read({}), {
    kubeconfig: "/x",
    retryMs: 500,
    allowMs: 300_000,
    denyMs: 30_000,
    defaultAllow: false,
  });
  const { retryMs, allowMs, denyMs } = read({ allowTTL: -1, DenyTTL: 60, retryBackoff: 20 });
  assert.deepEqual([retryMs, allowMs, denyMs], [20, 0, 60_000]);
  const problem = (message: string) => ({ message });
  assert.throws(() => imagePolicySettings(undefined), problem("no config specified"));
  assert.throws(
    () => read({ allowTTL: 30_000 }),
    problem("valid value is between 1s and 30m0s, got 8h20m0s"),
  );
  assert.throws(() => read({ retryBackoff: -5 }), problem("valid value is between 1ns and 5m0s, got -5ms"));
  assert.throws(
    () => read({ kubeConfigFile: "x" }),
    /kubeConfigFile: Invalid value: "x": must be an absolute file path/,
  );
});
