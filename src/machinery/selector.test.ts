import assert from "node:assert/strict";
import { test } from "node:test";
import {
  parseFieldSelector,
  parseLabelSelector,
  SelectorError,
  selectorFromLabels,
  selectorFromObject,
} from "./selector.ts";

const labels = { app: "web", tier: "front", n: "5", "example.com/x": "" };

test("label selectors match as in Kubernetes", () => {
  const yes = [
    "",
    "app=web",
    "app==web,tier!=back",
    "app in (web, db)",
    "app notin (db)",
    "missing notin (a)",
    "missing!=a",
    "app",
    "!missing",
    "n>4,n<6",
    "example.com/x=",
    "example.com/x in ()",
    "example.com/x in (,a)",
    "example.com/x in (a,)",
    "example.com/x in (a,,b)",
    "app in (web),!missing , tier",
  ];
  const no = [
    "app=db",
    "app!=web",
    "app in (db)",
    "app notin (web)",
    "missing",
    "!app",
    "n>5",
    "missing=",
    "app in ()",
    "example.com/x in (a,b)",
    "example.com/x notin (a,)",
  ];
  for (const text of yes) assert.equal(parseLabelSelector(text).matches(labels), true, text);
  for (const text of no) assert.equal(parseLabelSelector(text).matches(labels), false, text);
});

test("NUL ends a token, or the text where one would begin", () => {
  assert.equal(String(parseLabelSelector("app=\0")), "app=");
  assert.equal(String(parseLabelSelector("app=\0web")), "app=web");
  assert.equal(String(parseLabelSelector("app \0,,(")), "app");
  assert.throws(() => parseLabelSelector("app\0web"), SelectorError);
});

test("malformed selectors are refused", () => {
  for (const text of [
    "app=web,",
    "=x",
    "app in web",
    "app in (web",
    "app in (web,",
    "n>9223372036854775808",
    "app in (web,=",
    "app in (,",
    "app in (=)",
    "app in (",
    "a b",
    "a==b==c",
    "-a",
    "a=b c",
    "x>y",
    "a/b/c",
  ]) {
    assert.throws(() => parseLabelSelector(text), SelectorError, text);
  }
});

test("a missing selector object matches nothing, an empty one everything", () => {
  assert.equal(selectorFromObject(undefined).matches(labels), false);
  assert.equal(selectorFromObject({}).matches(labels), true);
  assert.equal(selectorFromObject({}).empty, true);
  assert.equal(selectorFromLabels({}).matches(labels), false);
  const both = selectorFromObject({
    matchLabels: { app: "web" },
    matchExpressions: [
      { key: "tier", operator: "In", values: ["front"] },
      { key: "x", operator: "DoesNotExist" },
    ],
  });
  assert.equal(both.matches(labels), true);
  assert.equal(both.toString(), "app=web,tier in (front),!x");
  assert.throws(
    () => selectorFromObject({ matchExpressions: [{ key: "a", operator: "Like" }] }),
    SelectorError,
  );
});

test("field selectors are taken apart", () => {
  assert.deepEqual(parseFieldSelector("metadata.name=a,status.phase!=Running,x==b\\,c"), [
    { field: "metadata.name", op: "=", value: "a" },
    { field: "status.phase", op: "!=", value: "Running" },
    { field: "x", op: "=", value: "b,c" },
  ]);
  assert.throws(() => parseFieldSelector("nonsense"), SelectorError);
});
