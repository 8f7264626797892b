import assert from "node:assert/strict";
import {
  chmodSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  type Stats,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { gzipSync } from "node:zlib";
import type { ImageStore } from "../contract.ts";
import type { OciImageConfig } from "../oci-format.ts";
import { archive } from "../testing/archive.ts";
import { temporaryDirectory, temporaryStore } from "../testing/fixture.ts";
import type { BuildOptions } from "./build.ts";
import { MergedTree } from "./merged-tree.ts";
import type { BuildProgress } from "./progress.ts";

/** A build context out of texts; a path that ends in "/" is an empty directory. */
function context(t: TestContext, files: Record<string, string | Buffer>): string {
  const dir = temporaryDirectory(t);
  for (const [name, content] of Object.entries(files)) {
    const path = join(dir, name);
    mkdirSync(dirname(path), { recursive: true });
    if (name.endsWith("/")) mkdirSync(path, { recursive: true });
    else writeFileSync(path, content);
  }
  return dir;
}

interface Built {
  config: OciImageConfig;
  id: string;
  cached: boolean;
  steps: BuildProgress[];
  read: (path: string) => string | undefined;
  stat: (path: string) => Stats | undefined;
  store: ImageStore;
}

async function build(store: ImageStore, dir: string, options: Partial<BuildOptions> = {}): Promise<Built> {
  const steps: BuildProgress[] = [];
  const { id, cached } = await store.build({
    context: dir,
    tags: ["t:1"],
    onProgress: (step) => steps.push(step),
    ...options,
  });
  const resolved = await store.resolve(id);
  assert.ok(resolved);
  const tree = new MergedTree(resolved.layers.map((layer) => ({ dir: layer, opaque: [] })));
  return {
    config: resolved.config,
    id,
    cached,
    steps,
    store,
    read: (path) => tree.read(path),
    stat: (path) => tree.lookup(path, false)?.stat,
  };
}

describe("building an image", () => {
  it("carries out configuration instructions", async (t) => {
    const dir = context(t, {
      Dockerfile: `ARG WHO=world
FROM scratch
ARG WHO
ARG TWO=2
ENV A=1 B="two words" C=$A
ENV A=2 D=$A E=\${TWO}x F=\\$A G='$A'
ENV OLD the rest of $A
WORKDIR /srv
WORKDIR sub
USER 7:8
EXPOSE 80 53/udp 8000-8001
LABEL hello=$WHO "a b"="c d"
VOLUME /data ["x"]
STOPSIGNAL SIGINT
CMD echo $A
ENTRYPOINT ["/bin/x", "$A"]
HEALTHCHECK --interval=1m30s --retries=2 CMD ["/check"]
SHELL ["/bin/ash", "-c"]
ONBUILD COPY . /app
`,
    });
    const { config } = await build(await temporaryStore(t), dir, { buildArgs: { WHO: "you" } });
    assert.deepEqual(config.config, {
      Env: ["A=2", "B=two words", "C=", "D=1", "E=2x", "F=$A", "G=$A", "OLD=the rest of 2"],
      WorkingDir: "/srv/sub",
      User: "7:8",
      ExposedPorts: { "80/tcp": {}, "53/udp": {}, "8000/tcp": {}, "8001/tcp": {} },
      Labels: { hello: "you", "a b": "c d" },
      Volumes: { "/data": {}, "/srv/sub/[x]": {} },
      StopSignal: "SIGINT",
      Cmd: ["/bin/sh", "-c", "echo $A"],
      Entrypoint: ["/bin/x", "$A"],
      Healthcheck: { Test: ["CMD", "/check"], Interval: 90_000_000_000, Retries: 2 },
      Shell: ["/bin/ash", "-c"],
      OnBuild: ["COPY . /app"],
    });
    assert.equal(
      config.history?.filter((item) => item.empty_layer !== true).length,
      2,
      "WORKDIR makes its directories",
    );
  });

  it("copies as docker does", async (t) => {
    const dir = context(t, {
      Dockerfile: `FROM scratch
COPY one.txt /plain
COPY one.txt two.txt /dir/
COPY tree /tree
COPY tree/sub/ /flat
COPY *.txt /glob/
COPY --chmod=640 one.txt /mode/
COPY one.txt /existing/
COPY two.txt /existing
COPY . /all/
COPY <<one <<'two' /here/
v=$V
one
v=$V
two
COPY --exclude=*.log tree /excluded/
COPY --parents tree/sub/deep.txt /parents/
COPY ["with blank", "/blank"]
`,
      ".dockerignore": "secret*\n!secret-not\n",
      "one.txt": "1",
      "two.txt": "2",
      "tree/a.log": "a",
      "tree/sub/deep.txt": "d",
      "with blank": "b",
      "secret/x": "s",
      "secret-not": "n",
    });
    symlinkSync("one.txt", join(dir, "link.txt"));
    symlinkSync("sub/deep.txt", join(dir, "tree/inner"));
    chmodSync(join(dir, "one.txt"), 0o755);
    const { read, stat } = await build(await temporaryStore(t), dir);
    const expected: Record<string, string | undefined> = {
      plain: "1",
      "dir/two.txt": "2",
      "tree/sub/deep.txt": "d",
      "flat/deep.txt": "d",
      "glob/one.txt": "1",
      // A source that is a link is followed, one inside a directory is kept.
      "glob/link.txt": "1",
      "mode/one.txt": "1",
      "existing/one.txt": "1",
      "existing/two.txt": "2",
      "all/one.txt": "1",
      "all/secret/x": undefined,
      "all/secret-not": "n",
      "all/Dockerfile": readFileSync(join(dir, "Dockerfile"), "utf8"),
      "here/one": "v=\n",
      "here/two": "v=$V\n",
      "excluded/a.log": undefined,
      "excluded/sub/deep.txt": "d",
      "parents/tree/sub/deep.txt": "d",
      blank: "b",
    };
    for (const [path, content] of Object.entries(expected)) assert.equal(read(path), content, path);
    assert.equal((stat("mode/one.txt")?.mode ?? 0) & 0o7777, 0o640);
    assert.equal((stat("plain")?.mode ?? 0) & 0o7777, 0o755);
    assert.ok(stat("tree/inner")?.isSymbolicLink());
    assert.ok(stat("glob/link.txt")?.isFile());
  });

  it("copies between stages and from images, builds only what is needed, and stops at a target", async (t) => {
    const store = await temporaryStore(t);
    const dir = context(t, {
      Dockerfile: `FROM scratch AS one
COPY f /made/f
FROM scratch AS unneeded
COPY nothing /
FROM one AS two
COPY --from=0 /made /copy
FROM scratch
COPY --from=two /copy/f /f
COPY --from=other:1 /x /x
`,
      f: "content",
    });
    const other = context(t, { Dockerfile: "FROM scratch\nCOPY x /x\n", x: "other" });
    await store.build({ context: other, tags: ["other:1"] });
    const { read, steps } = await build(store, dir);
    assert.deepEqual([read("f"), read("x"), read("made/f")], ["content", "other", undefined]);
    assert.ok(!steps.some((step) => step.kind === "step" && step.stage === "unneeded"));
    const two = await build(store, dir, { target: "two", tags: ["two"] });
    assert.deepEqual([two.read("made/f"), two.read("copy/f")], ["content", "content"]);
    await assert.rejects(
      build(store, dir, { target: "three" }),
      /there is no stage "three" \(there are: one, unneeded, two, 3\)/,
    );
  });

  it("unpacks local archives for ADD, and copies everything else", async (t) => {
    const tar = archive(
      { path: "in/file", type: "file", content: "packed", mode: 0o600 },
      { path: "l", type: "symlink", linkPath: "in" },
    );
    const dir = context(t, {
      Dockerfile: "FROM scratch\nADD a.tar b.tar.gz plain.gz /to/\nCOPY a.tar /copied/\n",
      "a.tar": tar,
      "b.tar.gz": gzipSync(archive({ path: "zipped", type: "file", content: "z" })),
      "plain.gz": gzipSync("not a tar"),
    });
    const { read, stat } = await build(await temporaryStore(t), dir);
    assert.deepEqual([read("to/in/file"), read("to/zipped")], ["packed", "z"]);
    assert.ok(
      stat("to/plain.gz")?.isFile() && stat("copied/a.tar")?.isFile() && stat("to/l")?.isSymbolicLink(),
    );
  });

  it("follows links of the image in targets", async (t) => {
    const dir = context(t, {
      Dockerfile: "FROM scratch\nCOPY base /\nCOPY f /lib/x/f\nCOPY more /\n",
      "base/usr/lib/x/old": "old",
      f: "new",
      "more/lib/x/g": "g",
    });
    symlinkSync("usr/lib", join(dir, "base/lib"));
    const { read, stat } = await build(await temporaryStore(t), dir);
    assert.deepEqual([read("usr/lib/x/f"), read("usr/lib/x/old"), read("usr/lib/x/g")], ["new", "old", "g"]);
    assert.ok(stat("lib")?.isSymbolicLink());
  });

  it("has nothing to do when nothing changed, and knows by content what did", async (t) => {
    const store = await temporaryStore(t);
    const dir = context(t, {
      Dockerfile: "FROM scratch\nWORKDIR /w\nCOPY a b /x/\nENV K=v\n",
      a: "1",
      b: "2",
    });
    const first = await build(store, dir);
    assert.equal(first.cached, false);
    utimesSync(join(dir, "a"), 1, 1);
    const second = await build(store, dir);
    assert.deepEqual([second.cached, second.id], [true, first.id]);
    writeFileSync(join(dir, "a"), "3");
    const third = await build(store, dir);
    assert.equal(third.cached, false);
    assert.notEqual(third.id, first.id);
    const again = await build(store, dir, { noCache: true });
    assert.ok(again.steps.every((step) => step.kind !== "stepDone" || !step.cached || step.line !== 3));
    // Another name for the same is no new image, but it is a change.
    const named = await build(store, dir, { tags: ["u:1"] });
    assert.equal(named.cached, false);
  });

  it("gives the same bytes on different machines when SOURCE_DATE_EPOCH is set", async (t) => {
    const ids: string[] = [];
    for (const at of [5, 6]) {
      const dir = context(t, { Dockerfile: "FROM scratch\nCOPY a /x/\nWORKDIR /w\n", a: "1" });
      utimesSync(join(dir, "a"), at + 2e9, at + 2e9);
      ids.push(
        (await build(await temporaryStore(t), dir, { buildArgs: { SOURCE_DATE_EPOCH: "1700000000" } })).id,
      );
    }
    assert.equal(ids[0], ids[1]);
  });

  it("is left in peace by another process that opens the store and sweeps", async (t) => {
    const dir = context(t, { Dockerfile: "FROM scratch\nRUN make\n" });
    const store = await temporaryStore(t, {
      runner: {
        async run({ upper }) {
          await (await temporaryStore(t, { dir: store.dir })).prune();
          writeFileSync(`${upper}/made`, "by make");
          return { exitCode: 0 };
        },
      },
    });
    assert.equal((await build(store, dir)).read("made"), "by make");
  });

  it("carries out ONBUILD triggers of the base", async (t) => {
    const store = await temporaryStore(t);
    await store.build({
      context: context(t, { Dockerfile: "FROM scratch\nONBUILD COPY app /app\n" }),
      tags: ["base"],
    });
    const { read, config } = await build(store, context(t, { Dockerfile: "FROM base\n", app: "a" }));
    assert.deepEqual([read("app"), config.config?.OnBuild], ["a", undefined]);
  });

  const wrong: [dockerfile: string, line: number, why: RegExp][] = [
    [
      "FROM nowhere:1",
      1,
      /no image "nowhere:1".*wherry image build -t nowhere:1.*wherry image load.*wherry.local\/busybox/,
    ],
    ["FROM $NOTHING", 1, /is empty/],
    ["FROM --platform=linux/vax scratch", 1, /builds for linux/],
    ["FROM scratch\nCOPY nope /", 2, /COPY: "nope" is not in the build context/],
    ["FROM scratch\nCOPY no*pe /", 2, /"no\*pe" is not in the build context/],
    ["FROM scratch\nCOPY hidden /", 2, /left out of the build context by .dockerignore/],
    ["FROM scratch\nCOPY ../x /", 2, /outside of the build context/],
    ["FROM scratch\n\nADD https://example.com/x /", 3, /ADD: .*would be downloaded/],
    ["FROM scratch\nCOPY --chmod=rwx a /", 2, /octal/],
    ["FROM scratch\nCOPY --chown=nobody a /", 2, /no user "nobody" in \/etc\/passwd/],
    ["FROM scratch\nCOPY --from=later a /\nFROM scratch AS later", 2, /comes later/],
    ["FROM scratch\nCOPY a /f\nCOPY a /f/g", 3, /not a directory/],
    ["FROM scratch\nRUN echo", 2, /RUN needs a container/],
    ["FROM scratch\nEXPOSE 99999", 2, /not a port/],
    ['FROM scratch\nENV A="${B:?must be given}"', 2, /B: must be given/],
    ["FROM scratch\nCOPY .wh.a /", 2, /mean deletion/],
    ["FROM scratch\nSTOPSIGNAL no", 2, /not a signal/],
  ];
  for (const [dockerfile, line, why] of wrong) {
    it(`names file and line: ${JSON.stringify(dockerfile)}`, async (t) => {
      const dir = context(t, {
        "sub/Dockerfile": `${dockerfile}\n`,
        "sub/a": "a",
        "sub/.wh.a": "",
        "sub/hidden": "h",
        "sub/.dockerignore": "hidden",
        x: "x",
      });
      const target = dockerfile.includes("later") ? { target: "0" } : {};
      await assert.rejects(build(await temporaryStore(t), join(dir, "sub"), target), (error: Error) => {
        assert.ok(error.message.startsWith(`${join(dir, "sub/Dockerfile")}:${line}: `), error.message);
        assert.match(error.message, why);
        return true;
      });
    });
  }

  it("says when there is nothing to build from", async (t) => {
    const store = await temporaryStore(t);
    await assert.rejects(store.build({ context: "/nonexistent" }), /there is no folder/);
    await assert.rejects(store.build({ context: context(t, {}) }), /there is no Dockerfile at/);
    await assert.rejects(store.build({ context: context(t, { "Dockerfile/": "" }) }), /is a directory/);
  });

  it("never reads outside of the context, whatever links are in it", async (t) => {
    const dir = context(t, { "ctx/Dockerfile": "FROM scratch\nCOPY out/secret /s\n", "outside/secret": "s" });
    symlinkSync("../outside", join(dir, "ctx/out"));
    await assert.rejects(build(await temporaryStore(t), join(dir, "ctx")), /not in the build context/);
    writeFileSync(join(dir, "ctx/Dockerfile"), "FROM scratch\nCOPY . /all/\n");
    const { read, store } = await build(await temporaryStore(t), join(dir, "ctx"));
    assert.equal(read("all/out/secret"), undefined);
    const layer = (await store.resolve("t:1"))?.layers.at(-1);
    assert.equal(readlinkSync(`${layer}/all/out`), "../outside");
  });
});
