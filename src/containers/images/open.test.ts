import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { Readable } from "node:stream";
import { describe, it } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { archive, digestOf, ociArchive, smallImage } from "./testing/archive.ts";
import { recordingNodes, temporaryDirectory, temporaryStore } from "./testing/fixture.ts";

const hello = smallImage("hello:1", { path: "bin/hello", type: "file", content: "hello" });

const blobsOf = (dir: string): string[] => readdirSync(`${dir}/blobs/sha256`);
const layersOf = (dir: string): string[] => readdirSync(`${dir}/layers`);

describe("an image store", () => {
  it("loads, resolves, lists, tags, removes", async (t) => {
    const store = await temporaryStore(t);
    const [loaded] = await store.load(Readable.from([hello]));
    assert.deepEqual(loaded?.names, ["docker.io/library/hello:1"]);
    const resolved = await store.resolve("hello:1");
    assert.equal(resolved?.id, loaded?.id);
    assert.equal(readFileSync(`${resolved?.layers[0]}/bin/hello`, "utf8"), "hello");
    assert.equal((await store.resolve(resolved?.id ?? ""))?.id, resolved?.id);
    assert.equal((await store.resolve((resolved?.id ?? "").slice(7, 19)))?.id, resolved?.id);
    assert.equal(await store.resolve("hello"), undefined);

    await store.tag("hello:1", "other/name");
    assert.deepEqual(
      (await store.list()).map((image) => image.names),
      [["docker.io/library/hello:1", "docker.io/other/name:latest"]],
    );
    const first = await store.remove("hello:1");
    assert.deepEqual([first.untagged, first.collected.blobs], [["docker.io/library/hello:1"], 0]);
    assert.notEqual(await store.resolve("other/name"), undefined);
    const second = await store.remove(resolved?.id ?? "");
    assert.deepEqual([second.untagged, second.collected.layers], [["docker.io/other/name:latest"], 1]);
    assert.deepEqual([blobsOf(store.dir), layersOf(store.dir)], [[], []]);
    await assert.rejects(store.remove("hello:1"), { code: "NotFound" });
  });

  it("shows another process' changes at once, and survives both writing", async (t) => {
    const one = await temporaryStore(t);
    const two = await temporaryStore(t, { dir: one.dir });
    await one.load(Readable.from([hello]));
    assert.notEqual(await two.resolve("hello:1"), undefined);
    await Promise.all(Array.from({ length: 20 }, (_, i) => (i % 2 ? one : two).tag("hello:1", `copy:${i}`)));
    assert.equal((await one.list())[0]?.names.length, 21);
    await two.remove("hello:1");
    assert.equal(await one.resolve("hello:1"), undefined);
  });

  it("keeps what an operation under way has made, and sweeps what a dead one left", async (t) => {
    const store = await temporaryStore(t);
    await store.load(Readable.from([hello]));
    // A load that is not through yet, as its lease and its blob stand on disk.
    const lease = `${store.dir}/leases/${process.pid}.${readFileSync("/proc/self/stat", "latin1").split(") ")[1]?.split(" ")[19]}.aa`;
    writeFileSync(lease, "");
    const blob = `${store.dir}/blobs/sha256/${"b".repeat(64)}`;
    writeFileSync(blob, "half of something");
    await store.prune();
    assert.ok(existsSync(blob));
    rmSync(lease);
    writeFileSync(`${store.dir}/leases/999999999.1.bb`, "");
    const collected = await store.prune();
    assert.ok(!existsSync(blob));
    // The archive itself brought two files that are no part of the image.
    assert.ok(collected.blobs >= 1);
    assert.notEqual(await store.resolve("hello:1"), undefined);
    assert.deepEqual(readdirSync(`${store.dir}/leases`), []);
  });

  it("unpacks compressed layers, once for all images that share them", async (t) => {
    const store = await temporaryStore(t);
    const layer = archive({ path: "a", type: "file", content: "a".repeat(100_000) });
    const diffId = digestOf(layer);
    await store.load(Readable.from([ociArchive([{ data: gzipSync(layer), diffId }], "g:1")]));
    await store.load(
      Readable.from([
        gzipSync(ociArchive([{ data: zstdCompressSync(layer), diffId }], "z:1", { User: "5" })),
      ]),
    );
    const [g, z] = [await store.resolve("g:1"), await store.resolve("z:1")];
    assert.deepEqual(g?.layers, z?.layers);
    assert.equal(statSync(`${g?.layers[0]}/a`).size, 100_000);
  });

  it("gives directories that a layer leaves out the looks of those below", async (t) => {
    const store = await temporaryStore(t);
    const below = archive({ path: "home/", type: "directory", mode: 0o1777 });
    const above = archive({ path: "home/x/file", type: "file" });
    const layers = [below, above].map((data) => ({ data, diffId: digestOf(data) }));
    await store.load(Readable.from([ociArchive(layers, "two:1")]));
    await store.load(Readable.from([ociArchive(layers.slice(1), "one:1")]));
    const [two, one] = [await store.resolve("two:1"), await store.resolve("one:1")];
    assert.equal(statSync(`${two?.layers[1]}/home`).mode & 0o7777, 0o1777);
    assert.equal(statSync(`${one?.layers[0]}/home`).mode & 0o7777, 0o755);
  });

  it("leaves out what lies below a layer whose root is opaque", async (t) => {
    const store = await temporaryStore(t);
    const layers = [
      archive({ path: "old", type: "file" }),
      archive({ path: ".wh..wh..opq", type: "file" }),
    ].map((data) => ({ data, diffId: digestOf(data) }));
    await store.load(Readable.from([ociArchive(layers, "fresh:1")]));
    assert.equal((await store.resolve("fresh:1"))?.layers.length, 1);
  });

  it("works for an ordinary user, who can make whiteouts but no devices", async (t) => {
    const nodes = recordingNodes();
    const store = await temporaryStore(t, { nodes });
    const image = smallImage(
      "n:1",
      { path: "null", type: "character-device", major: 1, minor: 3 },
      { path: ".wh.gone", type: "file" },
      { path: "d/.wh..wh..opq", type: "file" },
      { path: "f", type: "file", uid: 5, xattrs: new Map([["security.capability", "x"]]) },
    );
    await store.load(Readable.from([image]));
    assert.deepEqual(
      nodes.operations.map((o) => o.path.split("/").at(-1)),
      ["gone"],
    );
  });

  it("leaves nothing half done when an archive is bad", async (t) => {
    const store = await temporaryStore(t);
    const layer = archive({ path: "a", type: "file", content: "a" });
    const evil = archive({ path: "../a", type: "file", content: "a" });
    const bad: [RegExp, Buffer][] = [
      [/ends in the middle/, hello.subarray(0, 3000)],
      [/not a tar archive/, Buffer.alloc(4096, 7)],
      [/neither index.json .* nor manifest.json/, archive({ path: "x", type: "file" })],
      [/content is sha256:.* says sha256:/, ociArchive([{ data: layer, diffId: digestOf(evil) }], "bad:1")],
      [/leads out of the layer/, ociArchive([{ data: evil, diffId: digestOf(evil) }], "bad:1")],
      [
        /gzip data is damaged/,
        ociArchive([{ data: gzipSync(layer).subarray(0, 30), diffId: digestOf(layer) }], "bad:1"),
      ],
      [
        /not a digest|has a digest that is none/,
        archive({
          path: "index.json",
          type: "file",
          content: JSON.stringify({
            schemaVersion: 2,
            manifests: [{ digest: "sha256:../../../etc/passwd", mediaType: "x", size: 1 }],
          }),
        }),
      ],
      [
        /lacks the manifest/,
        archive({
          path: "index.json",
          type: "file",
          content: JSON.stringify({
            schemaVersion: 2,
            manifests: [{ digest: `sha256:${"0".repeat(64)}`, mediaType: "x", size: 1 }],
          }),
        }),
      ],
      [
        /lacks nope.json/,
        archive({
          path: "manifest.json",
          type: "file",
          content: JSON.stringify([{ Config: "nope.json", Layers: [] }]),
        }),
      ],
      [/not a JSON document/, archive({ path: "manifest.json", type: "file", content: "{" })],
    ];
    for (const [why, data] of bad) {
      await assert.rejects(store.load(Readable.from([data])), (error: Error) => {
        assert.match(error.message, why);
        assert.equal(error.name, "CriError");
        return true;
      });
    }
    assert.deepEqual(await store.list(), []);
    await store.prune();
    assert.deepEqual(
      [blobsOf(store.dir), layersOf(store.dir), readdirSync(`${store.dir}/tmp`)],
      [[], [], []],
    );
  });

  it("says what to do when an image is not to be had", async (t) => {
    const service = (await temporaryStore(t)).imageService();
    assert.equal(await service.imageStatus("redis"), undefined);
    await assert.rejects(service.pullImage("redis:7"), (error: Error & { code?: string }) => {
      assert.equal(error.code, "NotFound");
      assert.match(error.message, /"redis:7".*wherry image build -t redis:7 FOLDER.*wherry image load/);
      return true;
    });
    await service.removeImage("redis");
  });

  it("speaks CRI's image service", async (t) => {
    const store = await temporaryStore(t);
    await store.load(Readable.from([hello]));
    const service = store.imageService();
    const image = await service.imageStatus("hello:1");
    assert.deepEqual(image?.repoTags, ["docker.io/library/hello:1"]);
    assert.match(image?.repoDigests[0] ?? "", /^docker.io\/library\/hello@sha256:/);
    assert.equal((await service.imageStatus(image?.repoDigests[0] ?? ""))?.id, image?.id);
    assert.equal(await service.pullImage("hello:1"), image?.id);
    assert.equal((await service.listImages({ image: "nope" })).length, 0);
    assert.equal((await service.imageFsInfo()).mountpoint, store.dir);
  });

  it("refuses a damaged index and a store of another version", async (t) => {
    const dir = temporaryDirectory(t);
    mkdirSync(`${dir}/a`);
    writeFileSync(`${dir}/a/oci-layout`, '{"imageLayoutVersion":"9.0.0"}');
    await assert.rejects(temporaryStore(t, { dir: `${dir}/a` }), /another version \(9.0.0\)/);
    const store = await temporaryStore(t, { dir: `${dir}/b` });
    writeFileSync(`${dir}/b/index.json`, "{ nonsense");
    await assert.rejects(store.list(), /index.json is damaged/);
  });

  it("saves what it loaded, byte for byte the same each time", async (t) => {
    const store = await temporaryStore(t);
    await store.load(Readable.from([hello]));
    for (const format of ["oci", "docker"] as const) {
      const paths = [`${store.dir}/tmp/x.tar`, `${store.dir}/tmp/y.tar`];
      for (const path of paths) await store.save(["hello:1"], path, { format });
      const [x, y] = paths.map((path) => readFileSync(path));
      assert.deepEqual(x, y);
      const other = await temporaryStore(t);
      assert.deepEqual((await other.load(paths[0] ?? ""))[0]?.names, ["docker.io/library/hello:1"]);
    }
    await assert.rejects(store.save(["nope"], `${store.dir}/tmp/z.tar`), { code: "NotFound" });
  });
});
