import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, it } from "node:test";
import { systemClock } from "../../../machinery/index.ts";
import { temporaryDirectory } from "../testing/fixture.ts";
import { StoreLock } from "./lock.ts";

describe("StoreLock", () => {
  it("lets one in at a time, and in the order of asking within a process", async (t) => {
    const path = `${temporaryDirectory(t)}/lock`;
    const locks = [new StoreLock(path, systemClock), new StoreLock(path, systemClock)];
    const order: number[] = [];
    let inside = 0;
    await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        (locks[i % 2] as StoreLock).hold(async () => {
          assert.equal(++inside, 1);
          await new Promise((resolve) => setImmediate(resolve));
          order.push(i);
          inside--;
        }),
      ),
    );
    assert.deepEqual(
      order.filter((i) => i % 2 === 0),
      [0, 2, 4, 6, 8],
    );
    await assert.rejects(locks[0]?.hold(() => Promise.reject(new Error("mine"))) ?? assert.fail(), /mine/);
    assert.equal(await locks[0]?.hold(() => "still works"), "still works");
  });

  it("is free when its holder is killed", async (t) => {
    const path = `${temporaryDirectory(t)}/lock`;
    const script = `const { DatabaseSync } = require("node:sqlite"); new DatabaseSync(${JSON.stringify(path)}).exec("BEGIN EXCLUSIVE"); console.log("held"); setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(child.stdout, "data");
    await assert.rejects(
      new StoreLock(path, systemClock, 20).hold(() => {}),
      { code: "Unavailable" },
    );
    const held = new StoreLock(path, systemClock).hold(() => "mine");
    child.kill("SIGKILL");
    assert.equal(await held, "mine");
  });
});
