/** Workloads on a real cluster through the command line: rollouts, healing, scheduling, logs, exec, storage. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Deployment, Pod } from "../../src/api/index.ts";
import { eventually } from "../support/command.ts";
import { isRoot, TestCluster } from "../support/wherry.ts";

const skip = isRoot ? false : "needs root on Linux: real containers";
const image = "wherry.local/busybox";

const web = (name: string, replicas: number, text: string): object => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name, labels: { app: name } },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
    template: {
      metadata: { labels: { app: name } },
      spec: {
        terminationGracePeriodSeconds: 1,
        containers: [
          {
            name: "web",
            image,
            command: [
              "sh",
              "-c",
              `mkdir -p /www && echo ${text} > /www/index.html && exec httpd -f -p 8080 -h /www`,
            ],
            ports: [{ containerPort: 8080 }],
            readinessProbe: { httpGet: { path: "/", port: 8080 }, periodSeconds: 1 },
          },
        ],
      },
    },
  },
});

describe("workloads", { skip }, () => {
  const cluster = new TestCluster("e2e-workloads");
  const folder = mkdtempSync(join(tmpdir(), "wherry-manifests-"));
  const apply = async (...objects: object[]): Promise<string> => {
    const file = join(folder, "objects.json");
    writeFileSync(file, objects.map((object) => JSON.stringify(object)).join("\n---\n"));
    return cluster.kubectl("apply", "-f", file);
  };
  /** Those that are not on their way out. */
  const pods = async (selector: string): Promise<Pod[]> =>
    (await cluster.json<{ items: Pod[] }>("pods", "-l", selector)).items.filter(
      (pod) => !pod.metadata?.deletionTimestamp,
    );

  before(async () => {
    await cluster.up();
    const built = await cluster.wherry([
      "image",
      "base",
      "--name",
      cluster.name,
      "--packages",
      "busybox-static",
      "-t",
      image,
    ]);
    assert.equal(built.code, 0, built.stderr);
  });
  after(async () => {
    rmSync(folder, { recursive: true, force: true });
    await cluster.purge();
  });

  it("rolls a Deployment out, updates, scales and rolls it back", async () => {
    await apply(web("web", 3, "one"));
    assert.match(
      await cluster.kubectl("rollout", "status", "deployment/web", "--timeout=300s"),
      /successfully rolled out/,
    );
    await apply(web("web", 3, "two"));
    await cluster.kubectl("rollout", "status", "deployment/web", "--timeout=300s");
    const [pod] = await pods("app=web");
    assert.equal(
      (await cluster.kubectl("exec", pod?.metadata?.name ?? "", "--", "cat", "/www/index.html")).trim(),
      "two",
    );
    assert.match(await cluster.kubectl("rollout", "history", "deployment/web"), /1 +<none>\n2 +<none>/);
    await cluster.kubectl("rollout", "undo", "deployment/web");
    await cluster.kubectl("rollout", "status", "deployment/web", "--timeout=300s");
    const [back] = await pods("app=web");
    assert.equal(
      (await cluster.kubectl("exec", back?.metadata?.name ?? "", "--", "cat", "/www/index.html")).trim(),
      "one",
    );
    assert.equal(
      await cluster.kubectl("scale", "deployment/web", "--replicas=1"),
      "deployment.apps/web scaled\n",
    );
    await eventually("one replica is left", async () =>
      (await pods("app=web")).length === 1 ? true : undefined,
    );
  });

  it("replaces a deleted pod and restarts a killed container", async () => {
    // The first process ignores every signal it has no handler for, so this one has one.
    const heal = web("heal", 1, "heal") as Deployment;
    const [container] = heal.spec?.template.spec?.containers ?? [];
    if (container)
      container.command = [
        "sh",
        "-c",
        "trap 'exit 1' TERM; mkdir /www; httpd -p 8080 -h /www; echo hi > /www/index.html; while :; do sleep 0.1; done",
      ];
    await apply(heal);
    await cluster.kubectl("rollout", "status", "deployment/heal", "--timeout=300s");
    const [first] = await pods("app=heal");
    const name = first?.metadata?.name ?? "";
    await cluster.kubectl("exec", name, "--", "kill", "1");
    await eventually("the container runs again in the same pod", async () => {
      const pod = (await pods("app=heal")).find((one) => one.metadata?.uid === first?.metadata?.uid);
      const [status] = pod?.status?.containerStatuses ?? [];
      return status?.restartCount === 1 && status.ready ? true : undefined;
    });
    await cluster.kubectl("delete", "pod", name);
    await eventually("another pod is ready", async () => {
      const now = await pods("app=heal");
      return now.some(
        (pod) => pod.metadata?.uid !== first?.metadata?.uid && pod.status?.containerStatuses?.[0]?.ready,
      )
        ? true
        : undefined;
    });
  });

  it("spreads requests of a Service over ready pods and finds it by DNS name", async () => {
    await apply(web("dns", 2, "hello"));
    await cluster.kubectl("expose", "deployment", "dns", "--port=80", "--target-port=8080");
    await cluster.kubectl("rollout", "status", "deployment/dns", "--timeout=300s");
    const [pod] = await pods("app=dns");
    const answer = await eventually("the Service answers by name", async () => {
      const got = await cluster.tryKubectl([
        "exec",
        pod?.metadata?.name ?? "",
        "--",
        "timeout",
        "3",
        "wget",
        "-q",
        "-O",
        "-",
        "http://dns.default.svc.cluster.local/",
      ]);
      return got.code === 0 ? got.stdout : undefined;
    });
    assert.equal(answer.trim(), "hello");
  });

  it("leaves a pod that fits nowhere Pending and says why in Kubernetes' words", async () => {
    await apply({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "huge" },
      spec: { containers: [{ name: "c", image, resources: { requests: { cpu: "1000" } } }] },
    });
    const message = await eventually("a FailedScheduling event", async () => {
      const events = await cluster.json<{ items: { message: string; reason: string }[] }>(
        "events",
        "--field-selector",
        "involvedObject.name=huge,reason=FailedScheduling",
      );
      return events.items[0]?.message;
    });
    assert.match(message, /^0\/1 nodes are available: 1 Insufficient cpu\./);
    assert.match(await cluster.kubectl("get", "pod", "huge"), /Pending/);
    await cluster.kubectl("delete", "pod", "huge");
  });

  it("says what to do when an image is not there", async () => {
    await apply({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "missing" },
      spec: { containers: [{ name: "c", image: "no-such-image:1" }] },
    });
    const waiting = await eventually("ImagePullBackOff with a sentence", async () => {
      const pod = await cluster.json<Pod>("pod", "missing");
      const state = pod.status?.containerStatuses?.[0]?.state?.waiting;
      return state?.reason === "ImagePullBackOff" || state?.reason === "ErrImagePull" ? state : undefined;
    });
    assert.match(waiting.message ?? "", /wherry image (build|load)/);
    await cluster.kubectl("delete", "pod", "missing");
  });

  it("runs init containers in order, with env, files and the downward API, and keeps logs", async () => {
    await apply(
      {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: "settings" },
        data: { greeting: "hello", "app.conf": "port=1\n" },
      },
      { apiVersion: "v1", kind: "Secret", metadata: { name: "hidden" }, stringData: { password: "s3cret" } },
      {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: "task", labels: { role: "task" } },
        spec: {
          restartPolicy: "Never",
          initContainers: [
            {
              name: "one",
              image,
              command: ["sh", "-c", "echo one >> /shared/order"],
              volumeMounts: [{ name: "shared", mountPath: "/shared" }],
            },
            {
              name: "two",
              image,
              command: ["sh", "-c", "echo two >> /shared/order"],
              volumeMounts: [{ name: "shared", mountPath: "/shared" }],
            },
          ],
          containers: [
            {
              name: "main",
              image,
              command: [
                "sh",
                "-c",
                'cat /shared/order; echo "$GREETING $PASSWORD $NAME"; cat /etc/app/app.conf; exit 3',
              ],
              env: [
                { name: "GREETING", valueFrom: { configMapKeyRef: { name: "settings", key: "greeting" } } },
                { name: "PASSWORD", valueFrom: { secretKeyRef: { name: "hidden", key: "password" } } },
                { name: "NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
              ],
              volumeMounts: [
                { name: "shared", mountPath: "/shared" },
                { name: "conf", mountPath: "/etc/app" },
              ],
            },
          ],
          volumes: [
            { name: "shared", emptyDir: {} },
            { name: "conf", configMap: { name: "settings" } },
          ],
        },
      },
    );
    const pod = await eventually("the pod failed with its exit code", async () => {
      const one = await cluster.json<Pod>("pod", "task");
      return one.status?.phase === "Failed" ? one : undefined;
    });
    assert.equal(pod.status?.containerStatuses?.[0]?.state?.terminated?.exitCode, 3);
    assert.equal(await cluster.kubectl("logs", "task"), "one\ntwo\nhello s3cret task\nport=1\n");
    await cluster.kubectl("delete", "pod", "task");
  });

  it("kills what takes more memory than its limit and says OOMKilled", async () => {
    await apply({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "greedy" },
      spec: {
        restartPolicy: "Never",
        containers: [
          {
            name: "c",
            image,
            command: ["sh", "-c", "x=a; while true; do x=$x$x; done"],
            resources: { limits: { memory: "24Mi" } },
          },
        ],
      },
    });
    const state = await eventually("the container ended", async () => {
      const pod = await cluster.json<Pod>("pod", "greedy");
      return pod.status?.containerStatuses?.[0]?.state?.terminated;
    });
    assert.equal(state.reason, "OOMKilled");
    assert.equal(state.exitCode, 137);
    await cluster.kubectl("delete", "pod", "greedy");
  });

  it("refuses unknown fields and bad manifests, with file and line, and changes nothing", async () => {
    const file = join(folder, "bad.yaml");
    writeFileSync(file, "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n data: {\n");
    const broken = await cluster.tryKubectl(["apply", "-f", file]);
    assert.equal(broken.code, 1);
    assert.match(broken.stderr, /bad\.yaml.*line \d+|bad\.yaml:\d+/);
    writeFileSync(file, "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\nfoo: bar\n");
    const unknown = await cluster.tryKubectl(["apply", "-f", file]);
    assert.equal(unknown.code, 1);
    assert.match(unknown.stderr, /unknown field "foo"/);
    assert.equal((await cluster.tryKubectl(["get", "configmap", "x"])).code, 1);
    const kind = await cluster.tryKubectl(["get", "unicorns"]);
    assert.match(kind.stderr, /the server doesn't have a resource type "unicorns"/);
  });

  it("pauses, resumes, and replaces all at once with Recreate", async () => {
    const recreate = web("again", 2, "one") as Deployment;
    Object.assign(recreate.spec ?? {}, { strategy: { type: "Recreate" } });
    await apply(recreate);
    await cluster.kubectl("rollout", "status", "deployment/again", "--timeout=300s");
    const old = new Set((await pods("app=again")).map((pod) => pod.metadata?.uid));
    await cluster.kubectl("rollout", "pause", "deployment/again");
    await cluster.kubectl("set", "env", "deployment/again", "A=b");
    assert.ok(
      (await pods("app=again")).every((pod) => old.has(pod.metadata?.uid)),
      "nothing moves while paused",
    );
    await cluster.kubectl("rollout", "resume", "deployment/again");
    await cluster.kubectl("rollout", "status", "deployment/again", "--timeout=300s");
    assert.ok((await pods("app=again")).every((pod) => !old.has(pod.metadata?.uid)));
  });

  it("deletes a namespace with all that is in it", async () => {
    await cluster.kubectl("create", "namespace", "short-lived");
    await cluster.kubectl("create", "configmap", "c", "--from-literal=a=b", "-n", "short-lived");
    await cluster.kubectl("delete", "namespace", "short-lived", "--timeout=300s");
    assert.equal((await cluster.tryKubectl(["get", "configmap", "c", "-n", "short-lived"])).code, 1);
  });
});
