import assert from "node:assert/strict";
import { test } from "node:test";
import { failure, pod, startHarness } from "../../testing/harness.ts";

const labels = (mode: string, level: string) => ({ [`pod-security.kubernetes.io/${mode}`]: level });

async function startIn(given: Record<string, string>) {
  const h = await startHarness();
  const made = await h.call("POST", "/api/v1/namespaces", { metadata: { name: "n", labels: given } });
  assert.equal(made.status, 201, made.text);
  await h.call("POST", "/api/v1/namespaces/n/serviceaccounts", { metadata: { name: "default" } });
  const label = (more: Record<string, string>) =>
    h.call(
      "PATCH",
      "/api/v1/namespaces/n",
      { metadata: { labels: more } },
      { "content-type": "application/merge-patch+json" },
    );
  return {
    ...h,
    label,
    pods: (body: object, path = "") => h.call("POST", `/api/v1/namespaces/n/pods${path}`, body),
  };
}

const rooted = (name: string) =>
  pod(name, { containers: [{ name: "c", image: "i", securityContext: { privileged: true } }] });

test("refuses pods, and warns of templates, that break the namespace's level", async () => {
  const h = await startIn(labels("enforce", "baseline"));
  assert.equal(
    failure(await h.pods(rooted("p")), 403).message,
    'pods "p" is forbidden: violates PodSecurity "baseline:latest": privileged (container "c" must not set securityContext.privileged=true)',
  );
  assert.equal((await h.pods(pod("fine"))).status, 201);
  const template = { metadata: { labels: { a: "b" } }, spec: (rooted("p") as { spec?: object }).spec };
  const made = await h.call("POST", "/apis/apps/v1/namespaces/n/deployments", {
    metadata: { name: "d" },
    spec: { selector: { matchLabels: { a: "b" } }, template },
  });
  assert.equal(made.status, 201);
  assert.match(
    made.headers.warning ?? "",
    /would violate PodSecurity \\"baseline:latest\\": privileged \(container/,
  );
  await h.close();
});

test("warns without refusing, and looks only at changes that matter", async () => {
  const h = await startIn(labels("warn", "restricted"));
  const made = await h.pods(pod("p"));
  assert.equal(made.status, 201);
  assert.match(made.headers.warning ?? "", /would violate PodSecurity \\"restricted:latest\\"/);
  await h.label(labels("enforce", "restricted"));
  const patch = (body: object, path = "") =>
    h.call("PATCH", `/api/v1/namespaces/n/pods/p${path}`, body, {
      "content-type": "application/strategic-merge-patch+json",
    });
  assert.equal((await patch({ metadata: { labels: { x: "y" } } })).status, 200);
  failure(await patch({ spec: { containers: [{ name: "c", image: "other" }] } }), 403);
  failure(
    await patch({ spec: { ephemeralContainers: [{ name: "e", image: "i" }] } }, "/ephemeralcontainers"),
    403,
  );
  await h.close();
});

test("tells a namespace that becomes stricter which of its pods would not be let in", async () => {
  const h = await startIn({});
  for (const name of ["b", "a", "c"]) await h.pods(rooted(name));
  await h.pods(pod("other"));
  const answer = await h.label(labels("enforce", "restricted"));
  assert.equal(answer.status, 200);
  const warnings = (answer.headers.warning ?? "").replaceAll('\\"', '"');
  assert.match(
    warnings,
    /existing pods in namespace "n" violate the new PodSecurity enforce level "restricted:latest"/,
  );
  assert.match(warnings, /a \(and 2 other pods\): privileged, allowPrivilegeEscalation != false/);
  assert.match(warnings, /other: allowPrivilegeEscalation != false/);
  assert.equal((await h.label(labels("enforce", "baseline"))).headers.warning, undefined);
  await h.close();
});

test("labels that cannot be read are refused when they come, and left alone afterwards", async () => {
  const h = await startIn({});
  const refused = failure(await h.label(labels("enforce", "tight")), 422);
  assert.equal(
    refused.message,
    'Namespace "n" is invalid: metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "tight": must be one of privileged, baseline, restricted',
  );
  assert.equal((await h.label({ a: "b" })).status, 200);
  await h.close();
});
