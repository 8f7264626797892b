/** Blue/green and canary by labels and selectors: which version answers is counted, before, during and after a change. */
import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before, describe, it } from "node:test";
import { eventually } from "../support/command.ts";
import { isRoot, repository, TestCluster } from "../support/wherry.ts";

const skip = isRoot ? false : "needs root on Linux: real containers";

/** One request on a connection of its own, so that each is a new choice among the pods. */
function ask(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request(url, { agent: false, timeout: 60_000 }, (answer) => {
      let body = "";
      answer.setEncoding("utf8").on("data", (text: string) => (body += text));
      answer.on("error", reject).on("end", () => {
        if (answer.statusCode === 200) resolve(body.trim());
        else reject(new Error(`${url} answered ${answer.statusCode}`));
      });
    });
    call.on("timeout", () => call.destroy(new Error(`${url} did not answer`))).on("error", reject);
    call.end();
  });
}

/** How often each version answered. */
async function count(url: string, requests: number): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (let at = 0; at < requests; at++) {
    const version = await ask(url);
    counts[version] = (counts[version] ?? 0) + 1;
  }
  return counts;
}

describe("the examples of releases", { skip }, () => {
  const cluster = new TestCluster("e2e-examples");
  let blueGreen = "";
  let canary = "";

  before(async () => {
    blueGreen = await cluster.up("-f", `${repository}/examples/blue-green`);
    canary = await cluster.up("-f", `${repository}/examples/canary`);
  });
  after(() => cluster.purge());

  const select = (version: string): Promise<string> =>
    cluster.kubectl(
      ...["patch", "service", "blue-green", "-p"],
      JSON.stringify({ spec: { selector: { app: "bg-web", version } } }),
    );
  /** Waits until the version answers, then counts: from then on nothing else does. */
  const onlyOne = async (version: string): Promise<void> => {
    await eventually(`${version} answers`, async () =>
      (await ask(blueGreen)) === version ? true : undefined,
    );
    assert.deepEqual(await count(blueGreen, 100), { [version]: 100 });
  };

  it("blue/green: one version gets all the traffic; the switch and the way back lose no request", async () => {
    assert.deepEqual(await count(blueGreen, 100), { blue: 100 });
    await select("green");
    await onlyOne("green");
    await select("blue");
    await onlyOne("blue");
  });

  it("canary: traffic follows the number of ready pods", async () => {
    const share = async (): Promise<number> => ((await count(canary, 400))["v2"] ?? 0) / 400;
    // Six standard deviations of 400 independent choices with a chance of 1/4: 0.13.
    const quarter = await share();
    assert.ok(quarter > 0.12 && quarter < 0.38, `one of four pods is v2, it got ${quarter}`);
    await cluster.kubectl("scale", "deployment/web-canary", "--replicas=3");
    await cluster.kubectl("rollout", "status", "deployment/web-canary", "--timeout=300s");
    await eventually("half of the traffic", async () => ((await share()) > 0.4 ? true : undefined));
    await cluster.kubectl("scale", "deployment/web-canary", "--replicas=0");
    await eventually("v1 alone", async () => {
      assert.deepEqual(await count(canary, 50), { v1: 50 });
      return true;
    });
  });

  it("a rollout forward and back under traffic loses no request", async () => {
    let rolling = true;
    const counts: Record<string, number> = {};
    const client = async (): Promise<void> => {
      while (rolling) {
        const version = await ask(canary);
        counts[version] = (counts[version] ?? 0) + 1;
      }
    };
    const traffic = Promise.all([client(), client()]);
    traffic.catch(() => {});
    try {
      await cluster.kubectl("set", "image", "deployment/web-stable", "web=canary-web:v2");
      await cluster.kubectl("rollout", "status", "deployment/web-stable", "--timeout=300s");
      await cluster.kubectl("rollout", "undo", "deployment/web-stable");
      await cluster.kubectl("rollout", "status", "deployment/web-stable", "--timeout=300s");
    } finally {
      rolling = false;
    }
    await traffic;
    assert.ok((counts["v1"] ?? 0) > 0 && (counts["v2"] ?? 0) > 0, JSON.stringify(counts));
  });
});
