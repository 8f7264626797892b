import assert from "node:assert/strict";
import { test } from "node:test";
import { formatProblem, isUnknownFormat } from "./formats.ts";

/** What fits each format, and what does not. */
const rows: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ["date", ["2024-02-29"], ["2023-02-29", "2023-13-01", "23-01-01", ""]],
  [
    "date-time",
    ["2024-02-29T23:59:59Z", "2020-01-01t00:00:00.5+02:00", "2020-01-01T00:00:00,5z"],
    ["2020-01-01T24:00:00Z", "2020-01-01 00:00:00Z", "2020-01-01T00:00:00", "2020-02-30T00:00:00Z"],
  ],
  ["duration", ["1h30m", "-2s", "2 days", "3 weeks and more", "0"], ["x", "5", "", "3 fortnights"]],
  ["byte", ["YQ==", "YWJj"], ["", "YQ=", "a b="]],
  ["uri", ["http://a/b", "mailto:a@b", "/path only", "a:b"], ["a/b", "", "http://a b/", "%zz"]],
  [
    "email",
    ["a@b", "A B <a.b@c.d>", '"a b"@c', "é@x", "a@[1.2.3.4]"],
    ["a", "a@", "@b", "a..b@c", "<a@b", "a@b c"],
  ],
  ["hostname", ["a", "a.example.com", "1.io"], ["a.1", "-a", "a_b", `${"a".repeat(64)}.com`]],
  ["ipv4", ["1.2.3.4", "01.2.3.4", "::ffff:1.2.3.4"], ["1.2.3", "1.2.3.256", "::1"]],
  ["ipv6", ["::1", "::ffff:1.2.3.4"], ["1.2.3.4", "::1%eth0", "1:2"]],
  ["cidr", ["1.2.3.4/24", "::/0"], ["1.2.3.4", "1.2.3.4/33", "::/129"]],
  [
    "mac",
    ["00:00:5e:00:53:01", "00-00-5E-00-53-01", "0000.5e00.5301"],
    ["00:00:5e:00:53", "0:0:0:0:0:0", "00:00-5e:00:53:01", "x"],
  ],
  ["uuid4", ["6ba7b810-9dad-41d1-80b4-00c04fd430c8"], ["6ba7b810-9dad-11d1-80b4-00c04fd430c8"]],
  ["bsonobjectid", ["507f191e810c19729de860ea"], ["507f191e810c19729de860e", "x"]],
  ["isbn", ["0-321-75104-3", "978 0321751041"], ["0321751044", "9780321751042", "x"]],
  ["isbn10", ["080442957X"], ["9780321751041"]],
  ["isbn13", ["9780321751041"], ["080442957X"]],
  ["creditcard", ["4111 1111 1111 1111", "378282246310005"], ["4111111111111112", "1234567890123452"]],
  ["ssn", ["111-22-3333", "111 22-3333"], ["111223333", "11-22-3333"]],
  ["hexcolor", ["#fff", "a1B2c3"], ["#ffff", "#ggg"]],
  ["rgbcolor", ["rgb(0, 128,255)"], ["rgb(256,0,0)", "rgb(0,0)"]],
  ["k8s-short-name", ["a-b"], ["A", "a.b", "a".repeat(64)]],
  ["k8s-long-name", ["a.b-c"], ["a..b", "A"]],
  ["password", ["", "anything"], []],
];

test("texts are held to the formats that kube-openapi knows", () => {
  for (const [format, good, bad] of rows) {
    for (const text of good) assert.equal(formatProblem(format, text), false, `${format}: ${text}`);
    for (const text of bad) assert.equal(formatProblem(format, text), true, `${format}: ${text}`);
  }
});

test("dashes in the name of a format mean nothing, and unknown formats let everything in", () => {
  assert.equal(formatProblem("datetime", "x"), true);
  assert.equal(formatProblem("uu-id", "x"), true);
  for (const name of ["ip", "__proto__", "hasOwnProperty", "constructor", "__defineGetter__"])
    assert.equal(formatProblem(name, "x"), false);
  assert.deepEqual([isUnknownFormat("string", "ip"), isUnknownFormat("string", "uu-id")], [true, false]);
});

test("no text makes anybody wait that is held to be an address", () => {
  for (const text of [`${"a".repeat(100_000)}\x01<a@b>`, `a${" ".repeat(100_000)}b`, '"'.repeat(100_001)])
    assert.equal(formatProblem("email", text), true);
  assert.equal(formatProblem("email", `${"word ".repeat(10_000)}<a@b>`), false);
});
