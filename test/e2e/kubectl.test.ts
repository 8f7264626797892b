/** One table of commands, run with `wherry kubectl` and with an installed kubectl against the same real cluster. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Deployment } from "../../src/api/index.ts";
import { eventually, ok, type Result, run, type RunOptions } from "../support/command.ts";
import { isRoot, repository, TestCluster } from "../support/wherry.ts";

const skip = isRoot ? false : "needs root on Linux: real containers";
const installed = (await run("sh", ["-c", "command -v kubectl"])).stdout.trim();
const image = "wherry.local/busybox";
const cluster = new TestCluster("e2e-kubectl");
const folder = mkdtempSync(join(tmpdir(), "wherry-kubectl-"));

const web = (namespace: string, text: string): Deployment => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web", namespace, labels: { app: "web" } },
  spec: {
    replicas: 1,
    selector: { matchLabels: { app: "web" } },
    template: {
      metadata: { labels: { app: "web" } },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [
          {
            name: "web",
            image,
            command: [
              "sh",
              "-c",
              `mkdir /www; echo ${text} | tee /www/index.html; exec httpd -f -p 8080 -h /www`,
            ],
            ports: [{ containerPort: 8080 }],
            readinessProbe: { httpGet: { path: "/", port: 8080 }, periodSeconds: 1 },
          },
        ],
      },
    },
  },
});

before(async () => {
  if (skip) return;
  await cluster.up();
  const args = ["image", "base", "--name", cluster.name, "--packages", "busybox-static", "-t", image];
  const built = await cluster.wherry(args);
  assert.equal(built.code, 0, built.stderr);
});
after(async () => {
  rmSync(folder, { recursive: true, force: true });
  if (!skip) await cluster.purge();
});

/** The table: both clients must pass it word for word. */
function commands(client: string, program: string, prefix: readonly string[], why: string | false): void {
  describe(client, { skip: why, concurrency: false }, () => {
    const namespace = client.replaceAll(" ", "-");
    const file = join(folder, `${namespace}.json`);
    const attempt = (args: readonly string[], options: RunOptions = {}): Promise<Result> =>
      run(program, [...prefix, "-n", namespace, ...args], {
        ...options,
        env: { ...cluster.env, ...options.env },
      });
    const kubectl = async (...args: string[]): Promise<string> => {
      const { code, stdout, stderr } = await attempt(args);
      assert.equal(code, 0, `${args.join(" ")}: ${stdout}${stderr}`);
      return stdout;
    };
    const write = (text: string): void => writeFileSync(file, JSON.stringify(web(namespace, text)));
    const page = (): Promise<string> => kubectl("exec", "deploy/web", "--", "cat", "/www/index.html");
    /** Behind a rollout, a command may still reach the former pod on its way out. */
    const pageBecomes = (text: string): Promise<true> =>
      eventually(`the page is ${text}`, async () => (await page()) === text || undefined);

    it("creates, applies and waits", async () => {
      await ok(program, [...prefix, "create", "namespace", namespace], { env: cluster.env });
      write("one");
      assert.equal(await kubectl("apply", "-f", file), "deployment.apps/web created\n");
      assert.equal(await kubectl("apply", "-f", file), "deployment.apps/web unchanged\n");
      assert.match(await kubectl("rollout", "status", "deploy/web"), /successfully rolled out\n$/);
      assert.equal(
        await kubectl("wait", "--for=condition=Available", "--timeout=300s", "deploy/web"),
        "deployment.apps/web condition met\n",
      );
    });

    it("gets in every form", async () => {
      assert.match(
        await kubectl("get", "deploy"),
        /^NAME +READY +UP-TO-DATE +AVAILABLE +AGE\nweb +1\/1 +1 +1 /,
      );
      assert.equal(await kubectl("get", "deploy", "-o", "name"), "deployment.apps/web\n");
      assert.equal(await kubectl("get", "deploy", "web", "-o", "jsonpath={.spec.replicas}"), "1");
      assert.equal(await kubectl("get", "deploy", "web", "-o", "go-template={{.spec.replicas}}"), "1");
      assert.equal(
        await kubectl("get", "deploy", "-o", "custom-columns=N:.metadata.name,R:.spec.replicas"),
        "N     R\nweb   1\n",
      );
      const list = JSON.parse(await kubectl("get", "pods", "-l", "app=web", "-o", "json")) as {
        kind: string;
      };
      assert.equal(list.kind, "List");
      const missing = await attempt(["get", "deploy", "nope"]);
      assert.equal(missing.code, 1);
      assert.equal(missing.stderr, 'Error from server (NotFound): deployments.apps "nope" not found\n');
    });

    it("describes and explains", async () => {
      assert.match(
        await kubectl("describe", "deploy", "web"),
        /Replicas: +1 desired \| 1 updated \| 1 total/,
      );
      assert.match(await kubectl("describe", "pod", "-l", "app=web"), /Ready: +True/);
      assert.match(
        await kubectl("explain", "deployment.spec.replicas"),
        /^GROUP: +apps\nKIND: +Deployment\nVERSION: +v1\n\nFIELD: replicas <integer>/,
      );
    });

    it("edits, diffs, and refuses what is wrong", async () => {
      const editor = "sed -i s/replicas:.1$/replicas:\\ 2/";
      const edited = await attempt(["edit", "deploy", "web"], { env: { KUBE_EDITOR: editor } });
      assert.equal(edited.code, 0, edited.stderr);
      assert.equal(edited.stdout, "deployment.apps/web edited\n");
      const diff = await attempt(["diff", "-f", file]);
      assert.equal(diff.code, 1);
      assert.match(diff.stdout, /\n- +replicas: 2\n\+ +replicas: 1\n/);
      const wrong = await attempt(["apply", "-f", "-"], {
        input: `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"},"foo":1}`,
      });
      assert.equal(wrong.code, 1);
      assert.match(wrong.stderr, /unknown field "foo"/);
    });

    it("scales, labels and patches", async () => {
      assert.equal(await kubectl("scale", "deploy/web", "--replicas=1"), "deployment.apps/web scaled\n");
      assert.equal(await kubectl("label", "deploy/web", "a=b"), "deployment.apps/web labeled\n");
      assert.equal(await kubectl("annotate", "deploy/web", "a=b"), "deployment.apps/web annotated\n");
      assert.equal(
        await kubectl("patch", "deploy/web", "-p", '{"metadata":{"labels":{"a":"c"}}}'),
        "deployment.apps/web patched\n",
      );
      assert.match(await kubectl("get", "deploy", "-L", "a"), /web .* c\n/);
    });

    it("runs commands, copies files and shows logs", async () => {
      assert.equal(await page(), "one\n");
      const failing = await attempt(["exec", "deploy/web", "--", "sh", "-c", "exit 3"]);
      assert.equal(failing.code, 3);
      const piped = await attempt(["exec", "-i", "deploy/web", "--", "cat"], { input: "through\n" });
      assert.equal(piped.stdout, "through\n");
      const pod = (
        await kubectl("get", "pods", "-l", "app=web", "-o", "jsonpath={.items[0].metadata.name}")
      ).trim();
      writeFileSync(join(folder, "up"), "copied\n");
      await kubectl("cp", join(folder, "up"), `${pod}:/www/copy`);
      await kubectl("cp", `${pod}:/www/copy`, join(folder, "down"));
      assert.equal(readFileSync(join(folder, "down"), "utf8"), "copied\n");
      assert.match(await kubectl("logs", "deploy/web", "--tail=1"), /one\n$/);
    });

    it("forwards a port", async () => {
      const child = spawn(program, [...prefix, "-n", namespace, "port-forward", "deploy/web", ":8080"], {
        env: { ...process.env, ...cluster.env },
        stdio: ["ignore", "pipe", "pipe"],
      });
      try {
        let said = "";
        child.stdout.setEncoding("utf8").on("data", (text: string) => (said += text));
        const port = await eventually("it says the port", async () => /127\.0\.0\.1:(\d+)/.exec(said)?.[1]);
        assert.equal(await fetchText(Number(port)), "one\n");
      } finally {
        child.kill("SIGTERM");
      }
    });

    it("rolls out, shows the history and rolls back", async () => {
      write("two");
      await kubectl("apply", "-f", file);
      await kubectl("rollout", "status", "deploy/web", "--timeout=300s");
      await pageBecomes("two\n");
      assert.match(
        await kubectl("rollout", "history", "deploy/web"),
        /^deployment.apps\/web \nREVISION +CHANGE-CAUSE\n1 +<none>\n2 +<none>\n/,
      );
      assert.equal(await kubectl("rollout", "undo", "deploy/web"), "deployment.apps/web rolled back\n");
      await kubectl("rollout", "status", "deploy/web", "--timeout=300s");
      await pageBecomes("one\n");
    });

    it("runs a pod to its end with its exit code, and deletes", async () => {
      const args = ["run", "once", `--image=${image}`, "--restart=Never", "--rm", "-i", "--quiet"];
      // It goes on when what is typed has come: then kubectl is attached.
      const script = "read word; echo said $word; exit 4";
      const once = await attempt([...args, "--command", "--", "sh", "-c", script], { input: "so\n" });
      assert.equal(once.code, 4, once.stderr);
      assert.match(once.stdout, /said so/);
      assert.match(await kubectl("delete", "deploy", "web"), /^deployment.apps "web" deleted/);
    });
  });
}

const fetchText = (port: number): Promise<string> =>
  new Promise((resolve, reject) => {
    const asking = request({ host: "127.0.0.1", port, path: "/", agent: false }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      answer.on("end", () => resolve(text));
    });
    asking.on("error", reject).end();
  });

commands("wherry kubectl", join(repository, "wherry"), ["kubectl"], skip);
commands(
  "installed kubectl",
  installed || "kubectl",
  [],
  skip || (installed ? false : "there is no kubectl on the PATH"),
);

describe("wherry kubectl on nodes", { skip }, () => {
  it("drains a node through evictions and takes it back", async () => {
    const node = await cluster.kubectl("get", "nodes", "-o", "jsonpath={.items[0].metadata.name}");
    await cluster.kubectl(
      "create",
      "deployment",
      "moved",
      `--image=${image}`,
      "--",
      "sh",
      "-c",
      "trap exit TERM; sleep 1000 & wait",
    );
    await cluster.kubectl("wait", "--for=condition=Available", "--timeout=300s", "deploy/moved");
    await cluster.kubectl(
      "run",
      "bare",
      `--image=${image}`,
      "--",
      "sh",
      "-c",
      "trap exit TERM; sleep 1000 & wait",
    );
    await cluster.kubectl("wait", "--for=condition=Ready", "--timeout=300s", "pod/bare");
    const refused = await cluster.tryKubectl(["drain", node]);
    assert.equal(refused.code, 1);
    assert.match(
      refused.stderr,
      /cannot delete Pods that declare no controller \(use --force to override\): default\/bare/,
    );
    const drained = await cluster.kubectl("drain", node, "--force");
    assert.match(drained, /pod\/bare evicted\n/);
    assert.ok(drained.endsWith(`node/${node} drained\n`), drained);
    await cluster.kubectl("uncordon", node);
    await cluster.kubectl("rollout", "status", "deploy/moved", "--timeout=300s");
  });
});
