import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Blobs } from "../store/blobs.ts";
import { TarReader } from "../tar/reader.ts";
import { archive } from "../testing/archive.ts";
import { temporaryDirectory } from "../testing/fixture.ts";
import { accountsOf, groupFile, passwdFile } from "./accounts.ts";
import { baseRequest } from "./base-image.ts";
import { parseBase } from "./base-reference.ts";
import { PackageLayer } from "./package-layer.ts";
import { addSkeleton } from "./skeleton.ts";

describe("base images", () => {
  it("have names of their own", () => {
    assert.deepEqual(parseBase("wherry.local/busybox"), { kind: "busybox" });
    assert.deepEqual(parseBase("wherry.local/node:24"), { kind: "node", version: "24" });
    assert.deepEqual(parseBase("wherry.local/debian/redis-server/libstdc++6"), {
      kind: "debian",
      packages: ["redis-server", "libstdc++6"],
    });
    for (const other of [
      "busybox",
      "wherry.local/other",
      "wherry.local/debian",
      "wherry.local/unnamed:123",
    ]) {
      assert.equal(parseBase(other), undefined);
    }
    assert.throws(() => baseRequest({}), /name the Debian packages/);
    assert.throws(() => baseRequest({ node: true, packages: ["x"] }), /not both/);
  });

  it("know the users that packages' scripts make", () => {
    const script = `USER="redis"\nadduser \\\n  --system --home /var/lib/redis \\\n  --quiet --group \${USER} || true\n
if ! id x; then adduser --system --no-create-home --ingroup nogroup --shell /bin/false "_x"; fi
adduser --system $UNKNOWN
# adduser is a program
useradd --system --home-dir /srv/y -s /bin/false yy >/dev/null`;
    assert.deepEqual(accountsOf(script), [
      { name: "redis", home: "/var/lib/redis" },
      { name: "_x", home: "/nonexistent" },
      { name: "yy", home: "/srv/y" },
    ]);
    const account = { name: "redis", id: 101, home: "/var/lib/redis" };
    assert.match(
      passwdFile([account]),
      /^root:x:0:0:.*\nredis:x:101:101:redis:\/var\/lib\/redis:\/usr\/sbin\/nologin\n$/s,
    );
    assert.match(groupFile([account]), /^redis:x:101:$/m);
  });

  it("merge packages into one layer on a merged /usr, without documentation", (t) => {
    const blobs = new Blobs(temporaryDirectory(t));
    const writer = blobs.writer();
    const layer = new PackageLayer(writer, new Map([["var/lib/redis", 101]]));
    for (const data of [
      archive(
        { path: "./", type: "directory" },
        { path: "./lib/x86/", type: "directory" },
        { path: "./lib/x86/libc.so.6", type: "file", content: "libc" },
        { path: "./lib/x86/libc.so", type: "hardlink", linkPath: "./lib/x86/libc.so.6" },
        { path: "./usr/share/man/man1/x.1", type: "file", content: "man" },
        { path: "./usr/share/doc/libc6/changelog.gz", type: "file", content: "c" },
        { path: "./usr/share/doc/libc6/copyright", type: "file", content: "licence" },
      ),
      archive({ path: "./lib/x86/", type: "directory" }, { path: "./var/lib/redis/", type: "directory" }),
    ]) {
      const reader = new TarReader(layer);
      reader.write(data);
      reader.finish();
    }
    addSkeleton(layer, [{ name: "redis", id: 101, home: "/var/lib/redis" }]);
    const { digest } = writer.commit();
    const seen = new Map<string, string>();
    const reader = new TarReader({
      entry: (entry) => {
        const path = entry.path.replace(/\/$/, "");
        assert.ok(!seen.has(path), `${path} is there once`);
        seen.set(path, `${entry.type} ${entry.linkPath} ${entry.uid}`);
      },
      data: () => {},
      close: () => {},
    });
    return blobs
      .stream(digest)
      .forEach((chunk: Buffer) => reader.write(chunk))
      .then(() => {
        assert.equal(seen.get("lib"), "symlink usr/lib 0");
        assert.equal(seen.get("usr/lib/x86/libc.so.6"), "file  0");
        assert.equal(seen.get("usr/lib/x86/libc.so"), "hardlink usr/lib/x86/libc.so.6 0");
        assert.equal(seen.get("usr/share/doc/libc6/copyright"), "file  0");
        assert.equal(seen.get("var/lib/redis"), "directory  101");
        assert.equal(seen.get("tmp"), "directory  0");
        for (const path of seen.keys()) assert.doesNotMatch(path, /man1|changelog/);
      });
  });
});
