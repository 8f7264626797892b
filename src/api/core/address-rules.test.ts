import assert from "node:assert/strict";
import { test } from "node:test";
import {
  addressTexts,
  addressWarnings,
  cidrProblems,
  cidrWarnings,
  endpointAddressProblems,
  formatAddress,
  isStrictSubset,
  legacyAddressProblems,
  legacyCidrProblems,
  parseAddress,
  parseCidr,
} from "./address-rules.ts";

const texts = (errors: readonly { message: string }[]): string[] =>
  errors.map(({ message }) => message.replace(/^Invalid value: "[^"]*": /, ""));

test("the canonical form of an address is RFC 5952's", () => {
  for (const [given, canonical] of [
    ["10.0.0.1", "10.0.0.1"],
    ["FE80:0:0:0:0:0:0:0ABC", "fe80::abc"],
    ["1:0:0:2:0:0:0:3", "1:0:0:2::3"],
    ["::", "::"],
    ["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
    ["::ffff:1.2.3.4", "1.2.3.4"],
  ] as const)
    assert.equal(formatAddress(parseAddress(given)?.bytes ?? []), canonical);
  for (const none of ["", "1.2.3", "1.2.3.256", "::1::", "1:2:3:4:5:6:7:8:9", "g::", "1.2.3.4:80"])
    assert.equal(parseAddress(none), undefined, none);
});

test("newer fields want addresses in canonical form, older ones only what has one meaning", () => {
  assert.deepEqual(addressTexts("FE80::1"), ['must be in canonical form ("fe80::1")']);
  assert.deepEqual(addressTexts("010.0.0.1"), ["must not have leading 0s"]);
  assert.deepEqual(addressTexts("::ffff:1.2.3.4"), ["must not be an IPv4-mapped IPv6 address"]);
  assert.deepEqual(legacyAddressProblems("ip", "FE80::1"), []);
  assert.equal(legacyAddressProblems("ip", "010.0.0.1").length, 1);
  assert.deepEqual(legacyAddressProblems("ip", "010.0.0.1", ["010.0.0.1"]), []);
  assert.deepEqual(addressWarnings("ip", "FE80::1"), [
    'ip: IPv6 address "FE80::1" should be in RFC 5952 canonical format ("fe80::1")',
  ]);
});

test("a CIDR names a network, nothing in it", () => {
  assert.deepEqual(texts(cidrProblems("c", "10.0.0.1/24")), [
    "must not have bits set beyond the prefix length",
  ]);
  assert.deepEqual(texts(cidrProblems("c", "2001:DB8::/64")), [
    'must be in canonical form ("2001:db8::/64")',
  ]);
  assert.deepEqual(texts(legacyCidrProblems("c", "010.0.0.0/8")), [
    "must not have leading 0s in IP or prefix length",
  ]);
  assert.deepEqual(cidrWarnings("c", "10.0.0.1/24"), [
    'c: CIDR value "10.0.0.1/24" is ambiguous in this context (should be "10.0.0.0/24" or "10.0.0.1/32"?)',
  ]);
});

test("endpoints are where others can reach them", () => {
  const problem = (address: string): string[] => texts(endpointAddressProblems("a", address));
  assert.deepEqual(problem("10.0.0.1"), []);
  assert.deepEqual(problem("0.0.0.0"), ["may not be unspecified (0.0.0.0)"]);
  assert.deepEqual(problem("::1"), ["may not be in the loopback range (127.0.0.0/8, ::1/128)"]);
  assert.deepEqual(problem("fe80::1"), ["may not be in the link-local range (169.254.0.0/16, fe80::/10)"]);
  assert.deepEqual(problem("224.0.0.1"), [
    "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)",
  ]);
});

test("a range lies within another as Go sees it, prefixes as they are written", () => {
  const within = (inner: string, outer: string): boolean => {
    const [small, large] = [parseCidr(inner), parseCidr(outer)];
    assert.ok(small && large);
    return isStrictSubset(small, large);
  };
  assert.ok(within("10.1.0.0/16", "10.0.0.0/8"));
  assert.ok(!within("10.0.0.0/8", "10.0.0.0/8"));
  assert.ok(!within("1.2.3.4/32", "::ffff:1.2.3.0/120"));
  assert.ok(within("::ffff:1.2.3.4/128", "1.2.3.4/32"));
  assert.ok(!within("::ffff:1.2.3.4/128", "::ffff:1.2.3.4/24"));
});
