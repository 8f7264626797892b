/** Whatever stands in an input, the pure functions answer or refuse it with an error of their own, and keep their laws. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { schemaLookupFor } from "../../src/api/index.ts";
import {
  applyJsonPatch,
  applyMergePatch,
  applyStrategicMerge,
  canonicalQuantity,
  compareQuantity,
  createMergePatch,
  deepEqual,
  duplicateMembers,
  findJsonPath,
  formatYaml,
  isObject,
  JsonPathError,
  parseFieldSelector,
  parseLabelSelector,
  parseQuantity,
  parseYamlDocuments,
  PatchError,
  QuantityError,
  SelectorError,
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
