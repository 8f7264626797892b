import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { ensureConfig, readConfig } from "./cluster-config.ts";
import { bridgeName, maxClusters, rangesOf } from "./naming.ts";
import { type Places, placesOf } from "./places.ts";
import { freeSlot, settleSlot, takeSlot } from "./slots.ts";

let base = "";
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "config-"));
});
afterEach(() => rmSync(base, { recursive: true }));

const at = (name: string, dataDir = join(base, name)): Places => ({
  name,
  dataDir,
  runDir: join(base, "run", name),
  slotsDir: join(base, ".slots"),
});

test("clusters side by side share no port and no address", () => {
  const a = ensureConfig(at("a"));
  const b = ensureConfig(at("b"));
  for (const key of [
    "apiPort",
    "kubeletPort",
    "podCidr",
    "serviceCidr",
    "bridge",
    "cgroupRoot",
    "dnsIp",
  ] as const)
    assert.notEqual(a[key], b[key], key);
  assert.deepEqual(ensureConfig(at("b")), b);
  assert.deepEqual(readConfig(at("a")), a);
});

test("the last cluster's address ranges are within 10.0.0.0/8", () => {
  const last = rangesOf(maxClusters - 1);
  for (const cidr of [last.podCidr, last.serviceCidr]) assert.ok(Number(cidr.split(".")[1]) <= 255, cidr);
});

test("an index is free again when its cluster is gone, and kept over a restart", () => {
  const a = ensureConfig(at("a"));
  const b = ensureConfig(at("b"));
  rmSync(a.dataDir, { recursive: true });
  assert.equal(ensureConfig(at("c")).index, a.index);
  freeSlot(b.slotsDir, b.dataDir);
  assert.equal(ensureConfig(at("b")).index, b.index);
  freeSlot(b.slotsDir, b.dataDir);
  freeSlot(b.slotsDir, join(base, "c"));
  assert.ok(!existsSync(b.slotsDir));
});

test("an index is not free while a cluster that took it is being made", () => {
  const slotsDir = join(base, "making", "slots");
  const owner = (name: string) => ({ name, dataDir: join(base, `making-${name}`) });
  assert.equal(takeSlot(slotsDir, owner("a")), 0);
  assert.equal(takeSlot(slotsDir, owner("b")), 1, "nothing is written there yet");
  settleSlot(slotsDir, 0);
  assert.equal(takeSlot(slotsDir, owner("c")), 0, "and nothing ever was");
  for (const name of ["b", "c"]) freeSlot(slotsDir, owner(name).dataDir);
});

test("what the API server is told is remembered until it is told something else", () => {
  const first = { audit: { policyFile: "/p" }, maxRequestsInflight: 7 };
  assert.deepEqual(ensureConfig(at("told"), { apiServer: first }).apiServer, first);
  assert.deepEqual(ensureConfig(at("told"), { apiPort: 7000 }).apiServer, first);
  assert.deepEqual(ensureConfig(at("told"), { apiServer: { shutdownDelayMs: 1 } }).apiServer, {
    shutdownDelayMs: 1,
  });
  const { slotsDir, dataDir } = ensureConfig(at("told"));
  freeSlot(slotsDir, dataDir);
});

test("a foreign, a newer and a damaged data directory are refused with a sentence", () => {
  const { dataDir } = ensureConfig(at("a"));
  assert.throws(() => ensureConfig(at("b", dataDir)), /belongs to the cluster "a"/);
  const path = join(dataDir, "cluster.json");
  const text = readFileSync(path, "utf8");
  writeFileSync(path, text.replace('"layout": 1', '"layout": 99'));
  assert.throws(() => ensureConfig(at("a")), /written by a newer wherry/);
  writeFileSync(path, "{");
  assert.throws(() => ensureConfig(at("a")), /is damaged/);
});

test("names that cannot be used are refused; long ones still make interface names", () => {
  assert.throws(() => placesOf({ name: "../x" }), /cannot be a cluster's name/);
  assert.ok(bridgeName("a-very-long-cluster-name").length <= 15);
  assert.notEqual(bridgeName("a-very-long-cluster-name"), bridgeName("a-very-long-cluster-game"));
});
