/** Several clusters side by side, and what goes wrong at the start of one. */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { TestCluster } from "../support/wherry.ts";

describe("several clusters", () => {
  const one = new TestCluster("e2e-one");
  const two = new TestCluster("e2e-two");
  const third = new TestCluster("e2e-three");
  after(async () => {
    for (const cluster of [one, two, third]) await cluster.purge();
  });

  it("run beside each other and know nothing of each other", async () => {
    await Promise.all([one.up("--simulate"), two.up("--simulate")]);
    await one.kubectl("create", "namespace", "only-here");
    assert.equal((await one.tryKubectl(["get", "namespace", "only-here"])).code, 0);
    const other = await two.tryKubectl(["get", "namespace", "only-here"]);
    assert.equal(other.code, 1);
    assert.match(other.stderr, /namespaces "only-here" not found/);
  });

  it("are found running by a second up, and keep their objects over down and up", async () => {
    const again = await one.wherry(["up", "--name", one.name, "--simulate"]);
    assert.equal(again.code, 0, again.stderr);
    assert.match(again.stderr, /found it running/);
    assert.equal((await one.wherry(["down", "--name", one.name])).code, 0);
    assert.equal((await one.wherry(["status", "--name", one.name])).code, 1);
    await one.up("--simulate");
    assert.equal((await one.tryKubectl(["get", "namespace", "only-here"])).code, 0);
  });

  it("say which port is taken and what to do", async () => {
    const squatter = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => squatter.once("listening", resolve));
    const { port } = squatter.address() as { port: number };
    const failed = await third.wherry(["up", "--name", third.name, "--simulate", "--api-port", String(port)]);
    squatter.close();
    assert.equal(failed.code, 1);
    assert.match(failed.stderr, new RegExp(`port ${port}.*taken`));
    assert.doesNotMatch(failed.stderr, /\n\s+at /, "no stack trace");
  });

  it("refuse a damaged data directory and one of a newer version, and change nothing", async () => {
    for (const cluster of [new TestCluster("e2e-damaged")]) {
      const data = join(cluster.folder, "data");
      mkdirSync(data, { recursive: true });
      writeFileSync(join(data, "cluster.json"), '{"layout": 999, "index": 0, "name": "x"}');
      const newer = await cluster.wherry(["up", "--name", cluster.name, "--simulate"]);
      assert.equal(newer.code, 1, newer.stdout);
      assert.match(newer.stderr, /newer|version/);
      writeFileSync(join(data, "cluster.json"), "not json");
      const damaged = await cluster.wherry(["up", "--name", cluster.name, "--simulate"]);
      assert.equal(damaged.code, 1);
      assert.match(damaged.stderr, /damaged|cannot be read|not/);
      await cluster.purge();
    }
  });

  it("answer wrong usage with exit code 2", async () => {
    for (const args of [["fly"], ["up", "--sideways"], ["up", "extra"], ["image", "bake"]]) {
      const result = await one.wherry(args);
      assert.equal(result.code, 2, `${args.join(" ")}: ${result.stderr}`);
    }
  });
});
