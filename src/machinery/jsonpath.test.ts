import assert from "node:assert/strict";
import { test } from "node:test";
import { compileJsonPath, findJsonPath, JsonPathError } from "./jsonpath.ts";

const data = {
  kind: "List",
  items: [
    {
      kind: "None",
      metadata: { name: "127.0.0.1", labels: { "kubernetes.io/hostname": "a" } },
      status: { n: 4, ready: true },
    },
    {
      kind: "None",
      metadata: { name: "127.0.0.2" },
      status: { n: 8, conditions: [{ type: "Ready", status: "True" }] },
    },
  ],
  users: [
    { name: "myself", user: {} },
    { name: "e2e", user: { username: "admin", password: "secret" } },
  ],
};

/** The examples of kubectl's JSONPath page, and what else is in daily use. */
const cases: readonly (readonly [template: string, output: string])[] = [
  ["kind is {.kind}", "kind is List"],
  ["{['kind']}", "List"],
  ["{..name}", "127.0.0.1 127.0.0.2 myself e2e"],
  ["{.items[*].metadata.name}", "127.0.0.1 127.0.0.2"],
  ["{.users[0].name}", "myself"],
  ["{.users[-1:].name}", "e2e"],
  ["{.items[*]['metadata.name', 'kind']}", "None None"],
  ['{.users[?(@.name=="e2e")].user.password}', "secret"],
  ["{.items[?(@.status.n>=8)].metadata.name}", "127.0.0.2"],
  ["{.items[?(@.status.ready)].metadata.name}", "127.0.0.1"],
  ["{range .items[*]}[{.metadata.name}, {.status.n}]{end}", "[127.0.0.1, 4][127.0.0.2, 8]"],
  ['{range .items[*]}{.metadata.name}{"\\t"}{$.kind}{"\\n"}{end}', "127.0.0.1\tList\n127.0.0.2\tList\n"],
  ["{.items[0].metadata.labels.kubernetes\\.io/hostname}", "a"],
  ["{.items[*].status.conditions[?(@.type=='Ready')].status}", "True"],
  ["{.users[0:2].name}", "myself e2e"],
  ["{.users[0,1].name}", "myself e2e"],
  ["{.missing.deep}", ""],
  ["{.users[1].user}", '{"username":"admin","password":"secret"}'],
  ["{@.kind}", "List"],
];

test("templates give what kubectl gives", () => {
  for (const [template, output] of cases) assert.equal(compileJsonPath(template)(data), output, template);
});

test("values are found with and without braces", () => {
  assert.deepEqual(findJsonPath(".items[*].status.n", data), [4, 8]);
  assert.deepEqual(findJsonPath("{.items[*].status.n}", data), [4, 8]);
});

test("a template that is not well formed is refused", () => {
  for (const template of ["{.a", "{end}", "{range .items[*]}", "{.a[}", '{"x}', "{.a[x]}"]) {
    assert.throws(() => compileJsonPath(template), JsonPathError, template);
  }
});

test("a search ends that would meet the same values again and again", () => {
  let deep: object = {};
  for (let i = 0; i < 60; i++) deep = { a: deep };
  assert.throws(() => findJsonPath("..a..a..a..a..a..a..a", deep, 100_000), JsonPathError);
  assert.equal(findJsonPath("..a", deep, 100_000).length, 60);
  assert.equal(findJsonPath("..name", data, 100).length, 4);
  const wide = { l: [Array.from({ length: 1000 }, (_, i) => i)] };
  const path = `.l[${"0,".repeat(1000)}0][*]`;
  assert.throws(() => findJsonPath(path, wide, 100_000), JsonPathError);
  assert.throws(() => findJsonPath(".l[0][?(@ >= 0)]", wide, 500), JsonPathError);
});
