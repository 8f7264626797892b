import assert from "node:assert/strict";
import { test } from "node:test";
import { overlapWarnings } from "./overlap-warnings.ts";

test("files that are the same, or lie in what another one is", () => {
  const items = ["a", "a/b", "c", "c/"].map((path) => ({ key: "k", path }));
  assert.deepEqual(overlapWarnings([{ name: "v", secret: { secretName: "s", items } }]), [
    'volume "v" (Secret "s"): overlapping paths: "a/b" with "a"',
    'volume "v" (Secret "s"): overlapping paths: "c" with "c"',
  ]);
});

test("sources of a projected volume are held against each other", () => {
  const sources = [
    {},
    { configMap: { name: "c", items: [{ key: "k", path: "p" }] } },
    { serviceAccountToken: { path: "p/token" } },
  ];
  assert.deepEqual(overlapWarnings([{ name: "v", projected: { sources } }]), [
    'volume "v" (Projected) has no sources provided',
    'volume "v" (Projected): overlapping paths: "p/token" (ServiceAccountToken) with "p" (ConfigMap "c")',
  ]);
});

test("many files that lie in each other are told in as few words as an answer has room for", () => {
  const of = (make: (i: number) => string) =>
    overlapWarnings([
      {
        name: "v",
        secret: {
          secretName: "s",
          items: Array.from({ length: 50_000 }, (_, i) => ({ key: "k", path: make(i) })),
        },
      },
    ]);
  assert.equal(of(() => "a").length, 1);
  assert.equal(of((i) => (i === 0 ? "a" : `a/${i}`)).length, 256);
  assert.equal(of((i) => (i === 49_999 ? "a" : `a/${i}`)).length, 256);
  assert.equal(of((i) => `${i}`).length, 0);
  assert.equal(of((i) => (i === 0 ? "a/".repeat(100_000) : `${i}${"/".repeat(10)}`)).length, 0);
});
