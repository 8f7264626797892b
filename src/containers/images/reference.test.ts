import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { familiar, normalise, parseReference } from "./reference.ts";

const digest = `sha256:${"a".repeat(64)}`;

describe("references", () => {
  const full: [string, string][] = [
    ["redis", "docker.io/library/redis:latest"],
    ["busybox:1.36", "docker.io/library/busybox:1.36"],
    ["me/app", "docker.io/me/app:latest"],
    ["index.docker.io/me/app:1", "docker.io/me/app:1"],
    ["ghcr.io/a/b/c:v1", "ghcr.io/a/b/c:v1"],
    ["localhost/x", "localhost/x:latest"],
    ["registry:5000/x", "registry:5000/x:latest"],
    ["[::1]:5000/x:y", "[::1]:5000/x:y"],
    [`redis@${digest}`, `docker.io/library/redis@${digest}`],
    [`redis:7@${digest}`, `docker.io/library/redis:7@${digest}`],
    ["wherry.local/debian/libstdc++6/g++", "wherry.local/debian/libstdc++6/g++:latest"],
  ];
  for (const [short, long] of full) {
    it(`${short} is ${long}`, () => {
      assert.equal(normalise(short), long);
      assert.equal(normalise(long), long);
    });
  }

  const bad = [
    "",
    "Redis",
    "a//b",
    "/a",
    "a:",
    "a:b/c:d e",
    "a@sha256:12",
    "a@md5:1",
    "../etc",
    "a/../b",
    "-a",
    "a..b",
    "x".repeat(300),
    "a b",
  ];
  for (const text of bad) {
    it(`${JSON.stringify(text.slice(0, 20))} is none`, () => {
      assert.throws(() => parseReference(text), { name: "CriError", code: "InvalidArgument" });
    });
  }

  it("has a short form for people", () => {
    assert.equal(familiar("docker.io/library/redis:7"), "redis:7");
    assert.equal(familiar("docker.io/me/app:1"), "me/app:1");
    assert.equal(familiar("ghcr.io/a/b:1"), "ghcr.io/a/b:1");
  });
});
