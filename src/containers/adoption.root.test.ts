import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { until } from "../testing/index.ts";
import { createContainerRuntime } from "./runtime-service.ts";
import { makeRootfs, removeCgroups, runtimeOptions, skipReason } from "./testing/test-runtime.ts";

test("lets containers go on when wherry is killed, and finds them again", {
  skip: skipReason(),
}, async () => {
  const other = mkdtempSync(join(tmpdir(), "wherry-cri2-"));
  makeRootfs(join(other, "layer"));
  const owner = fork(new URL("testing/owner.ts", import.meta.url).pathname, [other], {
    execArgv: [],
    stdio: "inherit",
  });
  const [made] = (await once(owner, "message")) as [{ sandbox: string; lasting: string; short: string }];
  owner.kill("SIGKILL");
  await once(owner, "exit");
  writeFileSync(join(other, "go"), ""); // `short` waits for it and ends while nobody looks
  const exit = join(other, "state/containers", made.short, "exit.json");
  await until("its end", () => existsSync(exit));
  const again = await createContainerRuntime(runtimeOptions(other));
  try {
    const lasting = await again.containerStatus(made.lasting);
    assert.equal(lasting.state, "Running");
    const short = await again.containerStatus(made.short);
    assert.deepEqual([short.state, short.exitCode], ["Exited", 6]);
    assert.equal((await again.podSandboxStatus(made.sandbox)).state, "Ready");
    assert.equal(String((await again.execSync(made.lasting, ["cat", "/kept"], 60)).stdout), "kept\n");
    await again.stopContainer(made.lasting, 0);
    assert.equal((await again.containerStatus(made.lasting)).exitCode, 137);
  } finally {
    await again.removePodSandbox(made.sandbox);
    await again.close();
    assert.deepEqual(readdirSync(join(other, "state/containers")), []);
    assert.deepEqual(readdirSync(join(other, "run/s")), []);
    rmSync(other, { recursive: true, force: true });
    removeCgroups("wherry-critest");
  }
});
