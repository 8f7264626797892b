import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { describe, it, type TestContext } from "node:test";
import { TarReader } from "../tar/reader.ts";
import { TarError } from "../tar/tar-error.ts";
import { archive, type Member } from "../testing/archive.ts";
import { recordingNodes, temporaryDirectory } from "../testing/fixture.ts";
import { type Extracted, Extractor } from "./extractor.ts";

interface Scene {
  /** The layer's root. */
  root: string;
  /** Beside the root: must stay as it is, whatever is unpacked. */
  outside: string;
  nodes: ReturnType<typeof recordingNodes>;
  unpack: (...members: Member[]) => Promise<Extracted>;
}

function scene(t: TestContext): Scene {
  const dir = temporaryDirectory(t);
  const [root, outside] = [`${dir}/root`, `${dir}/outside`];
  mkdirSync(root);
  mkdirSync(outside);
  writeFileSync(`${outside}/secret`, "untouched");
  chmodSync(`${outside}/secret`, 0o600);
  const nodes = recordingNodes();
  return {
    root,
    outside,
    nodes,
    async unpack(...members) {
      const extractor = new Extractor(root, { owners: false, whiteouts: true });
      try {
        const reader = new TarReader(extractor);
        reader.write(archive(...members));
        reader.finish();
        return await extractor.finish(nodes);
      } finally {
        extractor.abandon();
      }
    },
  };
}

function assertUntouched({ root, outside }: Scene): void {
  assert.deepEqual(readdirSync(outside), ["secret"]);
  assert.equal(readFileSync(`${outside}/secret`, "utf8"), "untouched");
  assert.equal(statSync(`${outside}/secret`).mode & 0o7777, 0o600);
  assert.equal(statSync(`${outside}/secret`).nlink, 1);
  assert.ok(lstatSync(root).isDirectory(), "the root is still a directory");
}

describe("Extractor", () => {
  it("writes files, links and directories with modes and times", async (t) => {
    const s = scene(t);
    const extracted = await s.unpack(
      { path: "./", type: "directory", mode: 0o711, mtime: 1000 },
      { path: "usr/bin/", type: "directory", mode: 0o1777, mtime: 2000 },
      { path: "usr/bin/sh", type: "file", content: "#!", mode: 0o4755, mtime: 3000 },
      { path: "usr/bin/ash", type: "hardlink", linkPath: "usr/bin/sh" },
      { path: "bin", type: "symlink", linkPath: "/usr/bin", mtime: 4000 },
      // Through a link inside the layer: lands where the link leads.
      { path: "bin/ls", type: "file", content: "ls" },
    );
    assert.equal(statSync(s.root).mode & 0o7777, 0o711);
    const sh = statSync(`${s.root}/usr/bin/sh`);
    assert.deepEqual([sh.mode & 0o7777, sh.mtimeMs, sh.nlink], [0o4755, 3_000_000, 2]);
    assert.equal(readFileSync(`${s.root}/usr/bin/ls`, "utf8"), "ls");
    assert.equal(readlinkSync(`${s.root}/bin`), "/usr/bin");
    assert.deepEqual(
      [statSync(`${s.root}/usr/bin`).mtimeMs, statSync(`${s.root}/usr/bin`).mode & 0o7777],
      [2_000_000, 0o1777],
    );
    assert.deepEqual(extracted.implicit, ["usr"]);
    assert.equal(extracted.bytes, 4);
  });

  it("lets later members of the same name win, of whatever kind", async (t) => {
    const s = scene(t);
    await s.unpack(
      { path: "a", type: "file", content: "1" },
      { path: "a", type: "file", content: "2" },
      { path: "d/x", type: "file", content: "x" },
      { path: "d", type: "symlink", linkPath: "a" },
      { path: "e", type: "symlink", linkPath: "nowhere" },
      { path: "e/", type: "directory" },
    );
    assert.equal(readFileSync(`${s.root}/a`, "utf8"), "2");
    assert.equal(readlinkSync(`${s.root}/d`), "a");
    assert.ok(lstatSync(`${s.root}/e`).isDirectory());
  });

  it("turns whiteouts into what overlayfs understands", async (t) => {
    const s = scene(t);
    const extracted = await s.unpack(
      { path: "etc/.wh.gone", type: "file" },
      { path: "opt/", type: "directory" },
      { path: "opt/.wh..wh..opq", type: "file" },
      { path: "kept", type: "file", content: "k" },
      { path: ".wh.kept", type: "file" },
      { path: ".wh.again", type: "file" },
      { path: "again/", type: "directory" },
      { path: ".wh..wh.plnk", type: "file" },
      { path: "null", type: "character-device", major: 1, minor: 3, mode: 0o666 },
    );
    assert.deepEqual(extracted.opaque, ["again", "opt"]);
    assert.deepEqual(
      s.nodes.operations.map((o) => [
        o.path.slice(s.root.length),
        o.kind === "node" ? `${o.type} ${o.major}:${o.minor}` : o.name,
      ]),
      [
        ["/etc/gone", "character-device 0:0"],
        ["/null", "character-device 1:3"],
        ["/opt", "trusted.overlay.opaque"],
        ["/again", "trusted.overlay.opaque"],
      ],
    );
    assert.equal(
      readFileSync(`${s.root}/kept`, "utf8"),
      "k",
      "a layer does not delete what it brings itself",
    );
    assert.equal(existsSync(`${s.root}/.wh.kept`), false);
  });

  it("keeps capabilities and drops attributes that would steer overlayfs or the host", async (t) => {
    const s = scene(t);
    await s.unpack({
      path: "f",
      type: "file",
      xattrs: new Map([
        ["security.capability", "\x01"],
        ["user.note", "n"],
        ["trusted.overlay.redirect", "/etc"],
        ["user.overlay.opaque", "y"],
        ["security.selinux", "x"],
      ]),
    });
    assert.deepEqual(s.nodes.operations.map((o) => (o.kind === "xattr" ? o.name : "")).sort(), [
      "security.capability",
      "user.note",
    ]);
  });
});

describe("Extractor against hostile layers", () => {
  const refused: [name: string, why: string, members: (s: Scene) => Member[]][] = [
    [
      'an entry "." that is a link',
      "umoci CVE-2021-29136",
      (s) => [
        { path: ".", type: "symlink", linkPath: s.outside },
        { path: "secret", type: "file", content: "!" },
      ],
    ],
    [
      'an entry "./" that is a file',
      "umoci CVE-2021-29136",
      () => [{ path: "./.", type: "file", content: "!" }],
    ],
    ["names that climb", "classic", () => [{ path: "../outside/secret", type: "file", content: "!" }]],
    [
      "names that climb from inside",
      "classic",
      () => [{ path: "a/../../outside/secret", type: "file", content: "!" }],
    ],
    [
      "hard links that climb",
      "crun 0.10.5",
      () => [{ path: "h", type: "hardlink", linkPath: "../outside/secret" }],
    ],
    [
      "hard links to absolute places",
      "crun 0.10.5",
      (s) => [{ path: "h", type: "hardlink", linkPath: `${s.outside}/secret` }],
    ],
    [
      "hard links through a link",
      "crun 0.10.5",
      (s) => [
        { path: "out", type: "symlink", linkPath: s.outside },
        { path: "h", type: "hardlink", linkPath: "out/secret" },
      ],
    ],
    [
      "hard links to a directory",
      "malformed",
      () => [
        { path: "d/", type: "directory" },
        { path: "h", type: "hardlink", linkPath: "d" },
      ],
    ],
    ["deletion of ..", "BuildKit CVE-2024-23652", () => [{ path: "a/.wh...", type: "file" }]],
    ["deletion of .", "BuildKit CVE-2024-23652", () => [{ path: "a/.wh..", type: "file" }]],
    ["deletion of nothing", "malformed", () => [{ path: "a/.wh.", type: "file" }]],
    [
      "a file used as a directory",
      "malformed",
      () => [
        { path: "f", type: "file" },
        { path: "f/g", type: "file" },
      ],
    ],
    [
      "links in a circle",
      "malformed",
      () => [
        { path: "a", type: "symlink", linkPath: "b" },
        { path: "b", type: "symlink", linkPath: "a" },
        { path: "a/x", type: "file" },
      ],
    ],
    ["a name that is too long", "apple/container 2026", () => [{ path: "n".repeat(300), type: "file" }]],
    [
      "an attribute with a bad name",
      "apple/container 2026",
      () => [{ path: "f", type: "file", xattrs: new Map([[`user.${"n".repeat(300)}`, "v"]]) }],
    ],
    ["owners that cannot be", "malformed", () => [{ path: "f", type: "character-device", uid: 0xffffffff }]],
    ["links without a target", "malformed", () => [{ path: "l", type: "symlink", linkPath: "" }]],
  ];
  for (const [name, why, members] of refused) {
    it(`refuses ${name} (${why})`, async (t) => {
      const s = scene(t);
      await assert.rejects(s.unpack(...members(s)), TarError);
      assertUntouched(s);
    });
  }

  const contained: [name: string, why: string, members: (s: Scene) => Member[]][] = [
    ["absolute names", "classic", (s) => [{ path: `${s.outside}/secret`, type: "file", content: "!" }]],
    [
      "writing through an absolute link",
      "Docker CVE-2014-9356",
      (s) => [
        { path: "out", type: "symlink", linkPath: s.outside },
        { path: "out/secret", type: "file", content: "!" },
      ],
    ],
    [
      "writing through a climbing link",
      "Docker CVE-2014-9356",
      () => [
        { path: "out", type: "symlink", linkPath: "../../../../outside" },
        { path: "out/secret", type: "file", content: "!" },
      ],
    ],
    [
      "changing modes through a link",
      "containerd GO-2022-0921",
      (s) => [
        { path: "out", type: "symlink", linkPath: `${s.outside}/secret` },
        { path: "out", type: "file", content: "!", mode: 0o4777 },
      ],
    ],
    [
      "a directory over a link",
      "containerd GO-2022-0921",
      (s) => [
        { path: "out", type: "symlink", linkPath: s.outside },
        { path: "out/", type: "directory", mode: 0o777 },
      ],
    ],
    [
      "a hard link to a link, then a write",
      "containerd GO-2022-0921",
      (s) => [
        { path: "l", type: "symlink", linkPath: `${s.outside}/secret` },
        { path: "h", type: "hardlink", linkPath: "l" },
        { path: "h", type: "file", content: "!" },
      ],
    ],
    [
      "deletion through a link",
      "BuildKit CVE-2024-23652",
      (s) => [
        { path: "out", type: "symlink", linkPath: s.outside },
        { path: "out/.wh.secret", type: "file" },
      ],
    ],
    [
      "opaqueness through a link",
      "BuildKit CVE-2024-23652",
      (s) => [
        { path: "out", type: "symlink", linkPath: s.outside },
        { path: "out/.wh..wh..opq", type: "file" },
      ],
    ],
    [
      "replacing a link to a directory",
      "classic",
      (s) => [
        { path: "out", type: "symlink", linkPath: s.outside },
        { path: "out", type: "file", content: "!" },
      ],
    ],
    [
      "a link whose parent becomes a link",
      "classic",
      (s) => [
        { path: "a/b/", type: "directory" },
        { path: "a", type: "symlink", linkPath: s.outside },
        { path: "a/secret", type: "file", content: "!" },
      ],
    ],
  ];
  for (const [name, why, members] of contained) {
    it(`keeps inside: ${name} (${why})`, async (t) => {
      const s = scene(t);
      await s.unpack(...members(s));
      assertUntouched(s);
      for (const operation of s.nodes.operations) assert.ok(operation.path.startsWith(`${s.root}/`));
    });
  }
});
