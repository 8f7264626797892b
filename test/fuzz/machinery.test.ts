/** Whatever stands in an input, the pure functions answer or refuse it with an error of their own, and keep their laws. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { schemaLookupFor } from "../../src/api/index.ts";
import {
  applyConfiguration,
  ApplyConflicts,
  applyJsonPatch,
  applyMergePatch,
  applyStrategicMerge,
  canonicalQuantity,
  type CelType,
  compareQuantity,
  createMergePatch,
  deducedShape,
  deepEqual,
  duplicateMembers,
  findJsonPath,
  formatYaml,
  isObject,
  JsonPathError,
  loadCel,
  parseFieldSelector,
  parseLabelSelector,
  parseQuantity,
  parseYamlDocuments,
  PatchError,
  QuantityError,
  SelectorError,
  TypedError,
  UnkeyedItem,
  type View,
  YamlError,
} from "../../src/machinery/index.ts";
import { fuzz } from "../../src/testing/index.ts";

/** Runs `work`; errors of these kinds are the input's own fault. */
function allow<T>(kinds: readonly (new (...parts: never[]) => Error)[], work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (kinds.some((kind) => error instanceof kind)) return undefined;
    throw error;
  }
}

const json = (input: Buffer): unknown => allow([SyntaxError], () => JSON.parse(input.toString()));

/** Two JSON documents with a line break between them. */
function pair(input: Buffer): [unknown, unknown] | undefined {
  const [left, ...right] = input.toString().split("\n");
  const a = json(Buffer.from(left ?? ""));
  const b = json(Buffer.from(right.join("\n")));
  return a === undefined || b === undefined ? undefined : [a, b];
}

test("quantities: the canonical form is a fixed point and means the same", async () => {
  await fuzz({
    seeds: ["1", "100m", "1.5Gi", "-0.1", "1e3", "1E-6", "12345678901234567890", ".5", "+7k"],
    dictionary: ["n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Ei", "e", "e-3", ".", "-", "+"],
    run(input) {
      const text = input.toString();
      allow([QuantityError], () => {
        const canonical = canonicalQuantity(text);
        assert.equal(canonicalQuantity(canonical), canonical);
        assert.equal(compareQuantity(parseQuantity(canonical), parseQuantity(canonical)), 0);
      });
    },
  });
});

test("label selectors: what is parsed is printed and parsed to the same", async () => {
  await fuzz({
    seeds: ["a=b", "a!=b,c", "a in (b,c)", "a notin (b),!d", "x > 5, y<3", "example.com/a==b", ""],
    dictionary: ["in", "notin", "(", ")", ",", "=", "==", "!=", "!", ">", "<", " ", "a/b"],
    run(input) {
      const selector = allow([SelectorError], () => parseLabelSelector(input.toString()));
      if (!selector) return;
      const examples: Record<string, string>[] = [{}, { a: "b" }, { a: "7", d: "" }];
      for (const labels of examples) selector.matches(labels);
    },
  });
});

test("field selectors", async () => {
  await fuzz({
    seeds: ["metadata.name=x", "a!=b,c==d", "a=\\,b", ""],
    dictionary: ["=", "==", "!=", ",", "\\", "metadata.name"],
    run(input) {
      allow([SelectorError], () => parseFieldSelector(input.toString()));
    },
  });
});

test("JSON patches change only their result", async () => {
  await fuzz({
    seeds: [
      '{"a":[1,2]}\n[{"op":"add","path":"/a/-","value":3}]',
      '{"a":{"b":1}}\n[{"op":"move","from":"/a","path":"/c"},{"op":"test","path":"/c/b","value":1}]',
      '{"a":1}\n[{"op":"remove","path":"/a"},{"op":"copy","from":"","path":"/x"},{"op":"replace","path":"","value":{}}]',
    ],
    dictionary: [
      '"op"',
      '"add"',
      '"remove"',
      '"copy"',
      '"move"',
      '"test"',
      '"path"',
      '"from"',
      '"/a/0"',
      '"/a~1b"',
      "/-",
      "~0",
    ],
    run(input) {
      const [document, operations] = pair(input) ?? [];
      if (!isObject(document) || !Array.isArray(operations)) return;
      const before = structuredClone(document);
      allow([PatchError], () => applyJsonPatch(document, operations));
      assert.deepEqual(document, before);
    },
  });
});

test("merge patches: the difference of two documents leads from one to the other", async () => {
  await fuzz({
    seeds: ['{"a":1}\n{"a":2,"b":{"c":[1]}}', '{"a":{"b":1}}\n{"a":{}}', '{"x":[1,{"y":2}]}\n{"x":[]}'],
    dictionary: ["null", "{}", "[]", '"a":', '"__proto__":', '"constructor":'],
    run(input) {
      const [from, to] = pair(input) ?? [];
      if (!isObject(from) || !isObject(to)) return;
      const holdsNull = JSON.stringify([from, to]).includes("null");
      const result = applyMergePatch(from, createMergePatch(from, to));
      if (!holdsNull)
        assert.ok(deepEqual(result, to), `${JSON.stringify(result)} is not ${JSON.stringify(to)}`);
      assert.equal(({} as { polluted?: unknown }).polluted, undefined);
    },
  });
});

test("strategic merge patches", async () => {
  const schema = schemaLookupFor("", "v1", "Pod");
  assert.ok(schema);
  await fuzz({
    seeds: [
      '{"spec":{"containers":[{"name":"a","image":"i"}]}}\n{"spec":{"containers":[{"name":"a","image":"j"},{"name":"b"}]}}',
      '{"spec":{"containers":[{"name":"a"},{"name":"b"}]}}\n{"spec":{"$setElementOrder/containers":[{"name":"b"},{"name":"a"}],"containers":[{"$patch":"delete","name":"a"}]}}',
      '{"metadata":{"finalizers":["a","b"]}}\n{"metadata":{"$deleteFromPrimitiveList/finalizers":["a"],"finalizers":["c"]}}',
      '{"spec":{"volumes":[{"name":"v","emptyDir":{}}]}}\n{"spec":{"volumes":[{"$retainKeys":["name","hostPath"],"name":"v","hostPath":{"path":"/"}}]}}',
    ],
    dictionary: [
      '"$patch":',
      '"delete"',
      '"replace"',
      '"$retainKeys":',
      '"$setElementOrder/containers":',
      '"name":',
      "null",
    ],
    run(input) {
      const [document, patch] = pair(input) ?? [];
      if (!isObject(document) || !isObject(patch)) return;
      const before = structuredClone(document);
      allow([PatchError], () => applyStrategicMerge(document, patch, schema));
      assert.deepEqual(document, before);
    },
  });
});

test("strategic merges of typed lists: the same patch again changes nothing, where it has no directives", async () => {
  const schema = schemaLookupFor("", "v1", "Pod");
  assert.ok(schema);
  await fuzz({
    runs: 200,
    seeds: [
      '{"spec":{"containers":[{"name":"a","ports":[{"containerPort":1,"protocol":"TCP"}]}]}}\n{"spec":{"containers":[{"name":"a","ports":[{"containerPort":1,"name":"x"},{"containerPort":2}]}]}}',
      '{"spec":{"tolerations":[{"key":"a"}],"volumes":[{"name":"v"}]}}\n{"spec":{"tolerations":[{"key":"b"}],"volumes":[{"name":"w","emptyDir":{}},{"name":"v","emptyDir":null}]}}',
      '{"metadata":{"ownerReferences":[{"uid":"1"}],"finalizers":["a"]}}\n{"metadata":{"ownerReferences":[{"uid":"2"},{"uid":"1","name":"x"}],"finalizers":["b","a"],"labels":{"a":null}}}',
    ],
    dictionary: [
      '"name":',
      '"containers":',
      '"ports":',
      '"containerPort":',
      "null",
      "[]",
      "{}",
      '"uid":',
      ",{",
    ],
    run(input) {
      const [document, patch] = pair(input) ?? [];
      if (!isObject(document) || !isObject(patch) || JSON.stringify(patch).includes("$")) return;
      const once = allow([PatchError], () => applyStrategicMerge(document, patch, schema));
      if (!isObject(once)) return;
      const twice = allow([PatchError], () => applyStrategicMerge(once, patch, schema));
      // Nulls of new elements stay until the result is read.
      const plain = (value: unknown): unknown =>
        JSON.parse(JSON.stringify(value, (_, each: unknown) => (each === null ? undefined : each)));
      if (twice)
        assert.ok(deepEqual(plain(twice), plain(once)), JSON.stringify([document, patch, once, twice]));
    },
  });
});

test("YAML: refused with its own error, or printed and read again as the same value", async () => {
  await fuzz({
    runs: 600,
    seeds: [
      "a: 1\nb: [x, y]\n",
      "a: &x {b: 1}\nc: *x\n",
      "|\n two\n lines\n",
      "- 0x1f\n- 1e3\n- yes\n- ~\n",
      "a: !!binary YQ==\n",
    ],
    dictionary: [
      "&a",
      "*a",
      "<<: *a",
      "---\n",
      "- ",
      ": ",
      "|\n",
      ">-\n",
      "!!str ",
      "? ",
      "{",
      "}",
      "\t",
      "%YAML 1.2\n",
    ],
    run(input) {
      const documents = allow([YamlError], () => parseYamlDocuments(input.toString(), "input"));
      for (const { value } of documents ?? []) {
        const again = parseYamlDocuments(formatYaml(value), "printed");
        assert.ok(deepEqual(again[0]?.value ?? null, value ?? null), "printed and read again");
      }
    },
  });
});

test("JSON: duplicate members are found in whatever parses", async () => {
  await fuzz({
    seeds: ['{"a":1,"a":2}', '{"a":{"b":[{"c":1,"c":2}]}}', '["\\u0061"]', '{"\\u0061":1,"a":2}'],
    dictionary: ['"a":', "\\u0061", "{", "}", "[", "]", ","],
    run(input) {
      const text = input.toString();
      const value = json(input);
      if (value === undefined) return;
      const duplicates = duplicateMembers(text);
      // Without a repeated member, printing and reading keeps every member.
      if (duplicates.length > 0) assert.ok(text.includes(":"));
    },
  });
});

test("JSONPath", async () => {
  await fuzz({
    seeds: [
      "{.a.b}",
      "{range .items[*]}{.name}{end}",
      "{.a[?(@.b==1)].c}",
      "{..x}",
      "{.a[0:2:1]}",
      "{'text'}",
    ],
    dictionary: ["{", "}", "range", "end", "[*]", "[?(", ")]", "@", "..", "==", "!=", "[-1]", "[0:1]", "'"],
    run(input) {
      const data = { a: { b: 1, x: [1, 2, { c: null }] }, items: [{ name: "n" }] };
      allow([JsonPathError], () => findJsonPath(input.toString(), data));
    },
  });
});

test("CEL: an expression is refused, fails or has a value; it ends, and nothing else happens", async () => {
  const { compileCel } = await loadCel();
  const own = new Set(["CelCompileError", "CelEvaluationError"]);
  await fuzz({
    runs: 800,
    seeds: [
      "self.a + 1 > 2",
      "self.list.all(x, x.startsWith('a')) || size(self.list) == 0",
      "has(self.b) ? self.b : 'none'",
      "quantity('1Gi').compareTo(quantity('1G')) > 0",
      "[1, 2, 3].map(x, x * 2).exists(y, y == 4)",
      "self.list.filter(x, x.matches('^a+$')).size() <= 10u",
      "timestamp('2024-01-01T00:00:00Z') + duration('1h') > self.t",
      "{'a': 1}['a'] in [1.0, 2]",
    ],
    dictionary: [
      "self",
      ".all(",
      ".exists(",
      ".map(",
      "has(",
      "size(",
      "&&",
      "||",
      "?",
      "in",
      "1u",
      "'a'",
      "quantity(",
      "dyn(",
      "[",
      "{",
      "optional.of(",
      "cel.bind(",
    ],
    run(input) {
      try {
        const program = compileCel(input.toString(), { self: { kind: "simple", name: "dyn" } as CelType });
        program.evaluate({ self: { a: 1, list: ["a", "bb"], b: "x", t: "2024-01-01T00:00:00Z" } as never });
      } catch (error) {
        if (!own.has((error as Error).name)) throw error;
      }
    },
  });
});

test("server-side apply: refused in its own words, or applying again changes nothing", () =>
  fuzz({
    runs: 1000,
    seeds: [
      '{"spec":{"a":1,"b":{"c":[1]}}}\n{"spec":{"a":1,"b":{"c":[2]}}}',
      '{"metadata":{"labels":{"x":"y"}}}\n{"metadata":{"labels":{"z":"w"}}}',
      '{"list":[{"name":"a"}]}\n{"list":[{"name":"b"}],"n":null}',
    ],
    dictionary: ["null", "{}", "[]", '"a":', '"name":', '"f:a"', "1e9"],
    run(input) {
      const [live, config] = pair(input) ?? [];
      if (!isObject(live) || !isObject(config) || JSON.stringify(config).includes("null")) return;
      const view: View = {
        apiVersion: "v1",
        shape: deducedShape,
        typed: false,
        reset: undefined,
        other: () => undefined,
      };
      const writer = { manager: "m", operation: "Apply", apiVersion: "v1", subresource: "" } as const;
      allow([TypedError, UnkeyedItem, ApplyConflicts], () => {
        const wanted = { spec: config };
        const once = applyConfiguration(view, { spec: live }, wanted, new Map(), writer, true, "t");
        const twice = applyConfiguration(view, once.object, wanted, once.managers, writer, true, "t");
        assert.ok(deepEqual(twice.object, once.object), JSON.stringify([once.object, twice.object]));
      });
    },
  }).then(() => {}));
