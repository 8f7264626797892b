import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chownSync, existsSync, lstatSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { Readable } from "node:stream";
import { describe, it, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { containerRunner } from "./testing/container-runner.ts";
import { deviceNumbers } from "./build/copy-plan.ts";
import { MergedTree } from "./build/merged-tree.ts";
import type { ImageStore } from "./contract.ts";
import { archive, digestOf, ociArchive, smallImage } from "./testing/archive.ts";
import { needsRoot, realNodes, temporaryDirectory, temporaryStore } from "./testing/fixture.ts";

const busybox = ["/bin/busybox", "/usr/bin/busybox"].find(
  (path) => existsSync(path) && spawnSync("ldd", [path]).status !== 0,
);

const native = fileURLToPath(new URL("../../../dist/wherry-native", import.meta.url));

function rootStore(t: TestContext): Promise<ImageStore> {
  return temporaryStore(t, {
    nodes: realNodes() ?? assert.fail(),
    privileged: true,
    runner: containerRunner(native),
  });
}

/** What a container with this image would see, as `find` says it. */
function mounted(t: TestContext, layers: readonly string[]): string[] {
  const dir = temporaryDirectory(t);
  const lower = [...layers].reverse().join(":");
  const script = `mount -t overlay overlay -o ro,lowerdir=${lower}:${dir} ${dir} && cd ${dir} && find . -mindepth 1 | sort`;
  const made = spawnSync("unshare", ["-m", "sh", "-c", script], { encoding: "utf8" });
  assert.equal(made.status, 0, made.stderr);
  return made.stdout.split("\n").filter((line) => line !== "");
}

describe("images with a real kernel", { skip: needsRoot }, () => {
  it("unpacks owners, devices, capabilities, whiteouts and opaque directories", async (t) => {
    const store = await rootStore(t);
    const capability = Buffer.from("0100000200200000000000000000000000000000", "hex").toString("latin1");
    const layers = [
      archive(
        { path: "etc/", type: "directory" },
        { path: "etc/gone", type: "file" },
        {
          path: "etc/kept",
          type: "file",
          uid: 1000,
          gid: 2000,
          mode: 0o4755,
          xattrs: new Map([["security.capability", capability]]),
        },
        { path: "opt/below", type: "file" },
        { path: "null", type: "character-device", major: 1, minor: 3, mode: 0o666 },
        { path: "fifo", type: "fifo", mode: 0o600 },
        { path: "null2", type: "hardlink", linkPath: "null" },
      ),
      archive(
        { path: "etc/.wh.gone", type: "file" },
        { path: "opt/", type: "directory" },
        { path: "opt/.wh..wh..opq", type: "file" },
        { path: "opt/above", type: "file" },
      ),
    ].map((data) => ({ data, diffId: digestOf(data) }));
    await store.load(Readable.from([ociArchive(layers, "x:1")]));
    const resolved = await store.resolve("x:1");
    const [lowest = "", upper = ""] = resolved?.layers ?? [];
    const kept = statSync(`${lowest}/etc/kept`);
    assert.deepEqual([kept.uid, kept.gid, kept.mode & 0o7777], [1000, 2000, 0o4755]);
    const device = lstatSync(`${lowest}/null`);
    assert.deepEqual(
      [device.isCharacterDevice(), device.mode & 0o7777, deviceNumbers(device), device.nlink],
      [true, 0o666, { major: 1, minor: 3 }, 2],
    );
    assert.ok(lstatSync(`${lowest}/fifo`).isFIFO());
    const xattrs = await realNodes()?.readXattrs(lowest);
    assert.equal(xattrs?.get("etc/kept")?.get("security.capability"), capability);
    assert.equal(lstatSync(`${upper}/etc/gone`).rdev, 0);
    assert.deepEqual(mounted(t, resolved?.layers ?? []), [
      "./etc",
      "./etc/kept",
      "./fifo",
      "./null",
      "./null2",
      "./opt",
      "./opt/above",
    ]);
  });

  it("keeps the layers of a mounted image when its name goes", async (t) => {
    const store = await rootStore(t);
    await store.load(Readable.from([smallImage("m:1", { path: "f", type: "file", content: "f" })]));
    const [layer = ""] = (await store.resolve("m:1"))?.layers ?? [];
    const dir = temporaryDirectory(t);
    const script = `mount -t overlay overlay -o ro,lowerdir=${layer}:${dir} ${dir} && exec sleep 60`;
    const { spawn } = await import("node:child_process");
    const child = spawn("unshare", ["-m", "sh", "-c", script], { stdio: "ignore" });
    const ended = new Promise((resolve) => child.on("close", resolve));
    try {
      const mountinfo = `/proc/${child.pid}/mountinfo`;
      while (!readFileSync(mountinfo, "utf8").includes(layer))
        await new Promise((resolve) => setImmediate(resolve));
      assert.equal((await store.remove("m:1")).collected.layers, 0);
      assert.ok(existsSync(`${layer}/f`));
    } finally {
      child.kill();
      await ended;
    }
    assert.equal((await store.prune()).layers, 1);
  });

  it("says when the disk is full, and leaves nothing half done", async (t) => {
    const dir = temporaryDirectory(t);
    const nodes = realNodes() ?? assert.fail();
    if (spawnSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", dir]).status !== 0)
      return t.skip("no tmpfs");
    try {
      const store = await temporaryStore(t, { dir: `${dir}/images`, nodes });
      const big = smallImage("big:1", { path: "big", type: "file", content: Buffer.alloc(3 << 20, 1) });
      await assert.rejects(store.load(Readable.from([big])), (error: Error & { code?: string }) => {
        assert.equal(error.code, "ResourceExhausted");
        assert.match(error.message, /no space left .* image prune/);
        return true;
      });
      assert.deepEqual(await store.list(), []);
      // Fits as a blob, not unpacked beside it.
      const half = smallImage("half:1", { path: "half", type: "file", content: Buffer.alloc(600 << 10, 1) });
      await assert.rejects(store.load(Readable.from([half])), { code: "ResourceExhausted" });
      await store.prune();
      await store.load(Readable.from([smallImage("small:1", { path: "s", type: "file", content: "s" })]));
      assert.equal((await store.list()).length, 1);
      await store.close();
    } finally {
      assert.equal(spawnSync("umount", [dir]).status, 0);
    }
  });
});

describe("RUN", { skip: needsRoot || (busybox === undefined && "needs a static busybox") }, () => {
  function context(t: TestContext, dockerfile: string): string {
    const dir = temporaryDirectory(t);
    mkdirSync(`${dir}/bin`);
    writeFileSync(`${dir}/bin/busybox`, readFileSync(busybox ?? ""), { mode: 0o755 });
    chownSync(`${dir}/bin/busybox`, 0, 0);
    writeFileSync(
      `${dir}/Dockerfile`,
      `FROM scratch\nCOPY bin /bin\nRUN ["/bin/busybox", "--install", "-s", "/bin"]\n${dockerfile}`,
    );
    return dir;
  }

  it("makes layers of what commands changed, deleted and replaced", async (t) => {
    const store = await rootStore(t);
    const dir = context(
      t,
      `ARG WHO=me
ENV GREETING="hello $WHO"
RUN mkdir -p /d/sub /e && echo $GREETING > /d/sub/f && ln /d/sub/f /d/hard && touch /e/x /gone && mkfifo /pipe && chown 5:6 /e/x
RUN rm -rf /d && mkdir /d && touch /d/new && rm /gone && chmod 700 /e
USER 5:6
RUN <<EOF
id -u > /tmp/who || echo cannot
EOF
USER 0
RUN mkdir -m 1777 /tmp
RUN --network=none <<"EOF" sh -s one
echo "$1 $HOME" > /arg
EOF
RUN ["/bin/sh", "-c", "echo exec > /exec"]
RUN true
`,
    );
    const output: string[] = [];
    await store.build({
      context: dir,
      tags: ["run:1"],
      onProgress: (p) => p.kind === "output" && output.push(p.text),
    });
    const resolved = await store.resolve("run:1");
    const tree = new MergedTree((resolved?.layers ?? []).map((layer) => ({ dir: layer, opaque: [] })));
    assert.equal(tree.read("exec"), "exec\n");
    assert.equal(tree.read("arg"), "one /root\n");
    assert.match(output.join(""), /cannot/);
    const seen = mounted(t, resolved?.layers ?? []).filter((path) => !path.startsWith("./bin"));
    assert.deepEqual(seen, ["./arg", "./d", "./d/new", "./e", "./e/x", "./exec", "./pipe", "./tmp"]);
    const x = tree.lookup("e/x", false)?.stat;
    assert.deepEqual([x?.uid, x?.gid], [5, 6]);
    const layers = (await store.inspect("run:1"))?.config.history?.filter(
      (item) => item.empty_layer !== true,
    );
    assert.equal(layers?.length, 7, "a command that changes nothing leaves no layer");
    const again = await store.build({ context: dir, tags: ["run:1"] });
    assert.equal(again.cached, true);
  });

  it("tells file, line, exit code and last words of a command that fails, and keeps nothing of it", async (t) => {
    const store = await rootStore(t);
    const dir = context(t, "\nRUN echo working && \\\n  echo trouble >&2 && touch /half && exit 3\n");
    await assert.rejects(store.build({ context: dir, tags: ["f:1"] }), (error: Error) => {
      assert.match(
        error.message,
        /Dockerfile:5: RUN: the command ended with exit code 3\. Its last words:\nworking\ntrouble$/,
      );
      return true;
    });
    assert.deepEqual(await store.list(), []);
  });
});

const skopeo = spawnSync("skopeo", ["--version"]).status === 0;

describe("archives and skopeo", { skip: needsRoot || (!skopeo && "needs skopeo") }, () => {
  function run(...args: string[]): string {
    const done = spawnSync("skopeo", ["--insecure-policy", ...args], { encoding: "utf8" });
    assert.equal(done.status, 0, done.stderr);
    return done.stdout;
  }

  it("reads what skopeo writes and writes what skopeo reads", async (t) => {
    const dir = temporaryDirectory(t);
    const store = await rootStore(t);
    const one = smallImage("one:1", { path: "a", type: "file", content: "a" });
    const two = smallImage("two:1", { path: "b", type: "file", content: "b" });
    for (const data of [one, two]) await store.load(Readable.from([data]));
    const ids = (await store.list()).map((image) => image.id);
    await store.save(["one:1", "two:1"], `${dir}/both.tar`);
    await store.save(["one:1", "two:1"], `${dir}/both-docker.tar`, { format: "docker" });

    run(
      "copy",
      "-q",
      `oci-archive:${dir}/both.tar:docker.io/library/one:1`,
      `docker-archive:${dir}/d.tar:one:docker`,
    );
    run("copy", "-q", `docker-archive:${dir}/both-docker.tar:two:1`, `oci-archive:${dir}/o.tar:two:oci`);
    run(
      "copy",
      "-q",
      "--dest-compress-format",
      "zstd",
      `docker-archive:${dir}/both-docker.tar:two:1`,
      `oci-archive:${dir}/z.tar:me/two:zstd`,
    );
    run("copy", "-q", `oci:${store.dir}:docker.io/library/one:1`, `oci-archive:${dir}/bare.tar`);
    const other = await rootStore(t);
    assert.deepEqual((await other.load(`${dir}/d.tar`))[0]?.names, ["docker.io/library/one:docker"]);
    await other.load(`${dir}/o.tar`);
    await other.load(`${dir}/z.tar`);
    await other.load(`${dir}/bare.tar`, { name: "named/here:1" });
    await assert.rejects(other.load(`${dir}/both.tar`, { name: "x" }), /holds 2 images/);
    assert.deepEqual((await other.list()).map((image) => image.id).sort(), ids.sort());
    assert.equal(readFileSync(`${(await other.resolve("two:oci"))?.layers[0]}/b`, "utf8"), "b");
    assert.notEqual(await other.resolve("named/here:1"), undefined);
  });
});
