/** The official JavaScript client against a cluster of simulated nodes: nobody here wrote it, and it knows only Kubernetes. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import {
  AppsV1Api,
  CoreV1Api,
  KubeConfig,
  makeInformer,
  setHeaderOptions,
  PatchStrategy,
} from "@kubernetes/client-node";
import { eventually } from "../support/command.ts";
import { TestCluster } from "../support/wherry.ts";

describe("the official JavaScript client", () => {
  const cluster = new TestCluster("e2e-js");
  const config = new KubeConfig();
  let core: CoreV1Api;
  let apps: AppsV1Api;

  before(async () => {
    await cluster.up("--simulate", "--nodes", "3");
    config.loadFromFile(cluster.env.KUBECONFIG ?? "");
    core = config.makeApiClient(CoreV1Api);
    apps = config.makeApiClient(AppsV1Api);
  });
  after(() => cluster.purge());

  it("sees the simulated nodes Ready, and marked as what they are", async () => {
    const { items } = await core.listNode();
    assert.equal(items.length, 3);
    for (const node of items) {
      assert.ok(node.status?.conditions?.some((c) => c.type === "Ready" && c.status === "True"));
      assert.match(node.status?.nodeInfo?.containerRuntimeVersion ?? "", /^simulated:/);
    }
  });

  it("follows a Deployment's pods with an informer", async () => {
    const seen = { add: 0, delete: 0 };
    const informer = makeInformer(
      config,
      "/api/v1/namespaces/default/pods",
      () => core.listNamespacedPod({ namespace: "default", labelSelector: "app=web" }),
      "app=web",
    );
    informer.on("add", () => seen.add++);
    informer.on("delete", () => seen.delete++);
    await informer.start();
    await apps.createNamespacedDeployment({
      namespace: "default",
      body: {
        metadata: { name: "web" },
        spec: {
          replicas: 5,
          selector: { matchLabels: { app: "web" } },
          template: {
            metadata: { labels: { app: "web" } },
            spec: { containers: [{ name: "c", image: "nginx" }] },
          },
        },
      },
    });
    await eventually("five pods ready", async () => {
      const deployment = await apps.readNamespacedDeployment({ namespace: "default", name: "web" });
      return deployment.status?.readyReplicas === 5 ? true : undefined;
    });
    assert.equal(seen.add, 5);
    await apps.patchNamespacedDeploymentScale(
      { namespace: "default", name: "web", body: { spec: { replicas: 2 } } },
      setHeaderOptions("Content-Type", PatchStrategy.MergePatch),
    );
    await eventually("three deletions seen", async () => (seen.delete === 3 ? true : undefined));
    await informer.stop();
  });

  it("gets Kubernetes' errors", async () => {
    await assert.rejects(
      core.readNamespacedPod({ namespace: "default", name: "nope" }),
      (error: { code?: number; body?: string }) => {
        assert.equal(error.code, 404);
        assert.match(String(error.body), /pods \\?"nope\\?" not found/);
        return true;
      },
    );
    await assert.rejects(
      core.createNamespacedConfigMap({ namespace: "default", body: { metadata: { name: "Not A Name" } } }),
      (error: { code?: number }) => error.code === 422,
    );
  });
});
