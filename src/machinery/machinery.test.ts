import assert from "node:assert/strict";
import { test } from "node:test";
import { deepClone, deepEqual, get } from "./deep.ts";
import { formatDuration, formatMicroTime, formatTime, humanDuration, parseDuration } from "./duration.ts";
import { podTemplateHash } from "./hash.ts";
import { scaledValue } from "./int-or-string.ts";
import {
  generateName,
  isDns1123Label,
  isDns1123Subdomain,
  isEnvVarName,
  isPortName,
  isQualifiedName,
} from "./names.ts";
import { applyJsonPatch, PatchError } from "./patch/json-patch.ts";
import { applyMergePatch, createMergePatch, createThreeWayMergePatch } from "./patch/merge-patch.ts";
import { AsyncQueue } from "./queue.ts";
import { parseYamlDocuments, YamlError } from "./yaml.ts";
import { formatYaml } from "./yaml-format.ts";

test("ages read as kubectl writes them", () => {
  const second = 1000;
  const minute = 60 * second;
  const hour = 60 * minute;
  const day = 24 * hour;
  const cases: readonly (readonly [number, string])[] = [
    [-2 * second, "<invalid>"],
    [0, "0s"],
    [119 * second, "119s"],
    [2 * minute, "2m"],
    [5 * minute + 3 * second, "5m3s"],
    [10 * minute + 3 * second, "10m"],
    [179 * minute, "179m"],
    [3 * hour, "3h"],
    [7 * hour + 59 * minute, "7h59m"],
    [8 * hour + 59 * minute, "8h"],
    [47 * hour, "47h"],
    [2 * day, "2d"],
    [2 * day + 3 * hour, "2d3h"],
    [8 * day + 3 * hour, "8d"],
    [729 * day, "729d"],
    [730 * day, "2y"],
    [3 * 365 * day + 40 * day, "3y40d"],
    [9 * 365 * day, "9y"],
  ];
  for (const [ms, text] of cases) assert.equal(humanDuration(ms), text);
});

test("Go durations are read and written", () => {
  assert.equal(parseDuration("1m30s"), 90_000);
  assert.equal(parseDuration("1.5h"), 5_400_000);
  assert.equal(parseDuration("-2ms"), -2);
  assert.equal(parseDuration("0"), 0);
  assert.equal(formatDuration(90_000), "1m30s");
  assert.equal(formatDuration(3_600_000), "1h0m0s");
  assert.throws(() => parseDuration("10"), /missing unit in duration "10"/);
  for (const [text, problem] of [
    ["1x", 'unknown unit "x" in duration "1x"'],
    ["1h2d3", 'unknown unit "d" in duration "1h2d3"'],
    ["5s4", 'missing unit in duration "5s4"'],
    ["s", 'invalid duration "s"'],
    ["", 'invalid duration ""'],
    [".s", 'invalid duration ".s"'],
  ])
    assert.throws(() => parseDuration(text as string), { message: `time: ${problem}` });
  assert.equal(formatTime(1_700_000_000_123), "2023-11-14T22:13:20Z");
  assert.equal(formatMicroTime(1_700_000_000_123.456), "2023-11-14T22:13:20.123456Z");
});

test("names are judged as Kubernetes judges them", () => {
  assert.deepEqual(isDns1123Label("web-1"), []);
  assert.deepEqual(isDns1123Label("a.b"), ["must not contain dots"]);
  assert.match(
    isDns1123Label("Web_1")[0] ?? "",
    /^a lowercase RFC 1123 label must consist of .*\(e\.g\. 'my-name', {2}or '123-abc', regex/,
  );
  assert.deepEqual(isDns1123Label("a".repeat(64)), ["must be no more than 63 characters"]);
  assert.equal(isDns1123Subdomain("a..b").length, 1);
  assert.deepEqual(isQualifiedName("example.com/a"), []);
  assert.match(isQualifiedName("/a")[0] ?? "", /prefix part must be non-empty/);
  assert.match(isQualifiedName("a/b/c")[0] ?? "", /a valid label key must consist/);
  assert.deepEqual(isEnvVarName("1-any thing"), []);
  assert.equal(isEnvVarName("a=b").length, 1);
  assert.deepEqual(isPortName("http"), []);
  assert.equal(isPortName("8080")[0], "must contain at least one letter (a-z)");
  assert.match(
    generateName("web-", () => 0.5),
    /^web-[bcdfghjklmnpqrstvwxz2456789]{5}$/,
  );
});

test("percentages round as asked", () => {
  assert.equal(scaledValue("25%", 10, true), 3);
  assert.equal(scaledValue("25%", 10, false), 2);
  assert.equal(scaledValue(4, 10, false), 4);
  assert.throws(() => scaledValue("x", 1, true), RangeError);
});

test("template hashes depend on the content alone", () => {
  const hash = podTemplateHash({ a: 1, b: { c: [1, 2] } });
  assert.equal(hash, podTemplateHash({ b: { c: [1, 2] }, a: 1 }));
  assert.match(hash, /^[bcdfghjklmnpqrstvwxz2456789]{8,10}$/);
  assert.notEqual(hash, podTemplateHash({ a: 1, b: { c: [2, 1] } }));
  assert.notEqual(hash, podTemplateHash({ a: 1, b: { c: [1, 2] } }, 1));
});

test("JSON patch: RFC 6902's operations, and nothing is applied when one fails", () => {
  const before = { a: { b: [1, 2, 3] }, "x/y": 1 };
  const after = applyJsonPatch(before as Record<string, unknown>, [
    { op: "test", path: "/a/b/0", value: 1 },
    { op: "add", path: "/a/b/1", value: 9 },
    { op: "add", path: "/a/b/-", value: 4 },
    { op: "remove", path: "/a/b/0" },
    { op: "replace", path: "/x~1y", value: 2 },
    { op: "copy", from: "/a/b", path: "/c" },
    { op: "move", from: "/a", path: "/d" },
  ]);
  assert.deepEqual(after, { "x/y": 2, c: [9, 2, 3, 4], d: { b: [9, 2, 3, 4] } });
  assert.deepEqual(before.a.b, [1, 2, 3]);
  for (const operation of [
    { op: "remove", path: "/nope" },
    { op: "replace", path: "/a/b/7", value: 0 },
    { op: "test", path: "/x~1y", value: 5 },
    { op: "add", path: "a", value: 5 },
    { op: "spin", path: "/a" },
    { op: "move", from: "/a", path: "/a/b" },
    { op: "add", path: "", value: 5 },
  ]) {
    assert.throws(() => applyJsonPatch(before, [operation]), PatchError, operation.op);
  }
  // Kubernetes' library allows what the RFC does not: a key that is not there, a place counted from the end.
  const liberal = applyJsonPatch(before as Record<string, unknown>, [
    { op: "replace", path: "/new", value: 1 },
    { op: "copy", from: "/none", path: "/null" },
    { op: "test", path: "/none", value: null },
    { op: "add", path: "/a/b/-1", value: 4 },
    { op: "remove", path: "/a/b/-4" },
  ]);
  assert.deepEqual(liberal, { a: { b: [2, 3, 4] }, "x/y": 1, new: 1, null: null });
  const failure = (operation: object): string => {
    try {
      applyJsonPatch(before, [operation as never]);
    } catch (error) {
      return (error as Error).message;
    }
    return "";
  };
  assert.equal(
    failure({ op: "add", path: "/no/x" }),
    'add operation does not apply: doc is missing path: "/no/x": missing value',
  );
  assert.equal(
    failure({ op: "remove", path: "/no" }),
    "error in remove for path: '/no': Unable to remove nonexistent key: no: missing value",
  );
  assert.equal(
    failure({ op: "add", path: "/a/b/9", value: 1 }),
    "error in add for path: '/a/b/9': Unable to access invalid index: 9: invalid index referenced",
  );
  assert.equal(
    failure({ op: "remove", path: "/a/b/x" }),
    "error in remove for path: '/a/b/x': strconv.Atoi: parsing \"x\": invalid syntax",
  );
  assert.equal(failure({ op: "test", path: "/x~1y", value: 5 }), "testing value /x~1y failed: test failed");
  const doubling = Array.from({ length: 60 }, (_, i) => ({ op: "copy", from: "/a", path: `/a/x${i}` }));
  assert.throws(() => applyJsonPatch({ a: { b: "text" } }, doubling), /accumulated size increase of copy/);
  const polluted = applyJsonPatch({}, [{ op: "add", path: "/__proto__", value: { evil: 1 } }]);
  assert.equal(({} as Record<string, unknown>)["evil"], undefined);
  assert.deepEqual(Object.keys(polluted), ["__proto__"]);
});

test("a merge patch drops nulls inside lists, but for a list in the place of an object", () => {
  const list = [{ a: null, b: 1 }, null];
  assert.deepEqual(applyMergePatch({ l: [1] }, { l: list }) as unknown, { l: [{ b: 1 }, null] });
  assert.deepEqual(applyMergePatch({ l: {} }, { l: list }) as unknown, { l: list });
});

test("a merge patch can sort what it goes through", () => {
  const merged = applyMergePatch({ z: { y: 1, x: 2 }, a: { d: 1, c: 2 } }, { a: { b: 3 } }, true);
  assert.equal(JSON.stringify(merged), '{"a":{"b":3,"c":2,"d":1},"z":{"y":1,"x":2}}');
});

test("merge patch: RFC 7386's examples, and the difference of two objects", () => {
  assert.deepEqual(applyMergePatch({ a: "b", c: { d: "e", f: "g" } }, { a: "z", c: { f: null } }), {
    a: "z",
    c: { d: "e" },
  });
  assert.deepEqual(applyMergePatch({ a: [1] }, { a: { b: { c: null } } }), { a: { b: {} } });
  const from = { a: 1, b: { c: [1], d: 2 } };
  const to = { b: { c: [2], e: 3 } };
  assert.deepEqual(createMergePatch(from, to), { a: null, b: { c: [2], d: null, e: 3 } });
  assert.deepEqual(applyMergePatch(from, createMergePatch(from, to)) as unknown, to);
  const patch = createThreeWayMergePatch({ a: 1, b: 1 }, { b: 2 }, { a: 1, b: 1, c: 3 });
  assert.deepEqual(patch, { a: null, b: 2 });
  assert.deepEqual(
    createThreeWayMergePatch({ a: 1 }, {}, { c: 3 }),
    {},
    "what is gone already is not removed again",
  );
});

test("a queue gives what was pushed, in order, then ends", async () => {
  const queue = new AsyncQueue<number>();
  const taken: number[] = [];
  const reader = (async () => {
    for await (const item of queue) taken.push(item);
  })();
  queue.push(1);
  queue.push(2);
  await Promise.resolve();
  queue.push(3);
  queue.end();
  queue.push(4);
  await reader;
  assert.deepEqual(taken, [1, 2, 3]);
  const failing = new AsyncQueue<number>();
  const next = failing.next();
  failing.end(new Error("gone"));
  await assert.rejects(next, /gone/);
});

test("deep values are compared and copied without sharing", () => {
  const value = { a: [{ b: undefined, c: 1 }], d: null };
  assert.equal(deepEqual(value, { a: [{ c: 1 }], d: null }), true);
  assert.equal(deepEqual({ a: undefined }, {}), true);
  assert.equal(deepEqual([], {}), false);
  const copy = deepClone(value);
  assert.notEqual(copy.a[0], value.a[0]);
  assert.equal(get(value, "a.0.c"), 1);
  assert.equal(get(value, "d.x"), undefined);
});

test("YAML: documents with their lines, mistakes with line and column, no alias bombs", () => {
  const documents = parseYamlDocuments(
    "# first\na: 1\n---\n---\nb: {c: yes, d: 0644, e: 12:30, f: 2020-01-01, g: 'no', h: 0x10, i: 1.5}\n",
    "x.yaml",
  );
  assert.deepEqual(documents, [
    { value: { a: 1 }, line: 2 },
    { value: { b: { c: true, d: 420, e: "12:30", f: "2020-01-01", g: "no", h: 16, i: 1.5 } }, line: 5 },
  ]);
  assert.throws(
    () => parseYamlDocuments("a: 1\nb: [1, 2\nc: 3\n", "x.yaml"),
    (error) => error instanceof YamlError && error.line >= 2 && /^x\.yaml:\d+:\d+: /.test(error.message),
  );
  assert.throws(() => parseYamlDocuments("a: 1\na: 2\n", "x.yaml"), /x\.yaml:2:1: a key appears twice/);
  const levels = Array.from(
    { length: 12 },
    (_, i) => `l${i + 1}: &l${i + 1} [${Array(12).fill(`*l${i}`).join(", ")}]`,
  );
  assert.throws(() => parseYamlDocuments(`l0: &l0 [x]\n${levels.join("\n")}\n`, "bomb.yaml"), YamlError);
  const printed = formatYaml({
    b: ["x"],
    a: "1",
    y: "yes",
    t: "2026-01-01T00:00:00Z",
    m: "0644",
    l: "a\nb\n",
    e: {},
  });
  assert.equal(
    printed,
    'a: "1"\nb:\n- x\ne: {}\nl: |\n  a\n  b\nm: "0644"\nt: "2026-01-01T00:00:00Z"\n"y": "yes"\n',
  );
});
