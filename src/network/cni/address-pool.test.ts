import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { AddressPool, NoAddressError } from "./address-pool.ts";
import { gatewayOf, parseCidr } from "./cidr.ts";

function withDirectory(run: (directory: string) => void): void {
  const directory = mkdtempSync(join(tmpdir(), "wherry-addresses-"));
  try {
    run(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const wish = (containerId: string) => ({
  containerId,
  ifName: "eth0",
  hostLink: `l${containerId}`,
  portMappings: [],
});

test("addresses are given once, the gateway never, and a freed one rests", () =>
  withDirectory((directory) => {
    const pool = new AddressPool(directory, "10.0.0.0/29", ["10.0.0.1"]);
    assert.deepEqual(
      ["a", "b"].map((id) => pool.take(wish(id)).address),
      ["10.0.0.2", "10.0.0.3"],
    );
    assert.equal(pool.take(wish("a")).address, "10.0.0.2");
    assert.equal(pool.release("a", "eth0")?.address, "10.0.0.2");
    assert.equal(pool.release("a", "eth0"), undefined);
    assert.deepEqual(
      ["c", "d", "e", "f"].map((id) => pool.take(wish(id)).address),
      ["10.0.0.4", "10.0.0.5", "10.0.0.6", "10.0.0.2"],
    );
    assert.throws(() => pool.take(wish("g")), NoAddressError);
    assert.equal(readdirSync(directory).length, 5);
  }));

test("a restart knows what is in use, and goes on after it", () =>
  withDirectory((directory) => {
    const first = new AddressPool(directory, "10.0.0.0/24", []);
    first.take(wish("a"));
    first.take(wish("b"));
    const second = new AddressPool(directory, "10.0.0.0/24", []);
    assert.equal(second.take(wish("b")).address, "10.0.0.2");
    assert.equal(second.take(wish("c")).address, "10.0.0.3");
    assert.deepEqual(
      second
        .list()
        .map((lease) => lease.containerId)
        .sort(),
      ["a", "b", "c"],
    );
  }));

test("two pools on one directory never give the same address", () =>
  withDirectory((directory) => {
    const one = new AddressPool(directory, "10.0.0.0/24", []);
    const two = new AddressPool(directory, "10.0.0.0/24", []);
    assert.notEqual(one.take(wish("a")).address, two.take(wish("b")).address);
  }));

test("a file that was cut off by a crash counts as free", () =>
  withDirectory((directory) => {
    writeFileSync(join(directory, "10.0.0.1"), "{");
    assert.equal(new AddressPool(directory, "10.0.0.0/24", []).take(wish("a")).address, "10.0.0.1");
  }));

test("ranges", () => {
  assert.equal(gatewayOf("10.64.3.0/24"), "10.64.3.1");
  assert.equal(gatewayOf("10.64.3.77/24"), "10.64.3.1");
  assert.throws(() => parseCidr("10.64.3.0"), /is not an IPv4 range/);
  assert.throws(() => parseCidr("10.64.3.300/24"), /is not an IPv4 range/);
});
