/** The main job, as a user does it: one command, a URL that answers, and what must survive. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Pod } from "../../src/api/index.ts";
import { eventually } from "../support/command.ts";
import { leftoversOf, networkLeftOf, networkOf } from "../support/leftovers.ts";
import { isRoot, repository, TestCluster } from "../support/wherry.ts";

const skip = isRoot ? false : "needs root on Linux: real containers";

describe("the guestbook", { skip }, () => {
  const cluster = new TestCluster("e2e-guestbook");
  let url = "";

  const entries = async (): Promise<string[]> => {
    const answer = await fetch(new URL("/entries", url), { signal: AbortSignal.timeout(60_000) });
    assert.equal(answer.status, 200, `GET /entries answered ${answer.status}`);
    return ((await answer.json()) as { text: string }[]).map((entry) => entry.text);
  };
  const post = async (text: string): Promise<void> => {
    const answer = await fetch(new URL("/entries", url), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ text }),
      signal: AbortSignal.timeout(60_000),
    });
    assert.ok(answer.ok, `POST /entries answered ${answer.status}: ${await answer.text()}`);
  };
  const pods = async (): Promise<Pod[]> => (await cluster.json<{ items: Pod[] }>("pods")).items;
  const restarts = async (): Promise<Record<string, number>> =>
    Object.fromEntries(
      (await pods()).map((pod) => [
        `${pod.metadata?.name} ${pod.metadata?.uid}`,
        (pod.status?.containerStatuses ?? []).reduce((sum, status) => sum + status.restartCount, 0),
      ]),
    );
  const daemonPid = async (): Promise<number> => {
    const status = JSON.parse(
      (await cluster.wherry(["status", "--name", cluster.name, "-o", "json"])).stdout,
    ) as {
      pid: number;
    };
    return status.pid;
  };

  before(async () => {
    url = await cluster.up("-f", `${repository}/examples/guestbook`);
  });
  after(() => cluster.purge().catch(() => {}));

  it("prints a URL that answers with a page for people", async () => {
    assert.match(url, /^http:\/\/[\d.]+(:\d+)?\/?$/);
    const page = await fetch(url, { signal: AbortSignal.timeout(60_000) });
    assert.equal(page.status, 200);
    assert.match(page.headers.get("content-type") ?? "", /text\/html/);
    assert.match(await page.text(), /<form|<title>/i);
  });

  it("keeps entries when every pod of frontend and redis is deleted", async () => {
    await post("first entry");
    assert.deepEqual((await entries()).includes("first entry"), true);
    const old = new Set((await pods()).map((pod) => pod.metadata?.uid));
    await cluster.kubectl("delete", "pods", "--all");
    await eventually("new pods are ready and the entry is there", async () => {
      const now = await pods();
      const fresh = now.length > 0 && now.every((pod) => !old.has(pod.metadata?.uid));
      return fresh && (await entries()).includes("first entry") ? true : undefined;
    });
  });

  it("goes on serving when wherry is killed with -9, and adopts everything when it comes back", async () => {
    await post("before the kill");
    await eventually("all pods ready", async () =>
      (await pods()).every((pod) => pod.status?.containerStatuses?.every((status) => status.ready))
        ? true
        : undefined,
    );
    const was = await restarts();
    process.kill(await daemonPid(), "SIGKILL");
    for (let round = 0; round < 20; round++) assert.ok((await entries()).includes("before the kill"));
    await post("while wherry is away");
    url = (await cluster.up("-f", `${repository}/examples/guestbook`)) || url;
    assert.deepEqual(await restarts(), was, "the same pods with no restart");
    assert.ok((await entries()).includes("while wherry is away"));
  });

  it("comes back with the same objects and data after everything stopped", async () => {
    const deployments = await cluster.json<{ items: { metadata: { uid: string } }[] }>("deployments");
    const down = await cluster.wherry(["down", "--name", cluster.name]);
    assert.equal(down.code, 0, down.stderr);
    url = (await cluster.up("-f", `${repository}/examples/guestbook`)) || url;
    const again = await cluster.json<{ items: { metadata: { uid: string } }[] }>("deployments");
    assert.deepEqual(
      again.items.map((item) => item.metadata.uid),
      deployments.items.map((item) => item.metadata.uid),
    );
    await eventually("the entries are there", async () =>
      (await entries()).includes("while wherry is away") ? true : undefined,
    );
  });

  it("leaves nothing behind after down --purge", async () => {
    const network = networkOf(cluster.name);
    assert.ok(network.links.length >= 4 && network.namespaces.length >= 3, JSON.stringify(network));
    await cluster.purge();
    for (const [kind, lines] of Object.entries(await leftoversOf(cluster.name))) {
      assert.deepEqual(lines, [], `${kind} left behind`);
    }
    assert.deepEqual(networkLeftOf(network), []);
  });
});
