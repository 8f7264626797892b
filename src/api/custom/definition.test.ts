import assert from "node:assert/strict";
import { test } from "node:test";
import type { CustomResourceDefinitionSpec } from "../generated/types.ts";
import { customKinds } from "./definition.ts";

test("what all versions need is made once for them, and the best of them is found once", () => {
  let looks = 0;
  const many = 500;
  const versions = Array.from({ length: many }, (_, i) => ({
    name: `v${i + 1}`,
    served: true,
    storage: i === 0,
    deprecated: i < many - 1,
    get schema() {
      looks++;
      return { openAPIV3Schema: { type: "object" } };
    },
  }));
  const spec = { group: "b.c", scope: "Cluster", names: { plural: "as", kind: "A" }, versions };
  const kinds = customKinds(spec as unknown as CustomResourceDefinitionSpec);
  assert.equal(kinds.length, many);
  assert.equal(new Set(kinds.map(({ conversion }) => conversion)).size, 1);
  assert.ok(looks < 10 * many, `${looks} looks at schemas`);
  assert.equal(kinds[0]?.deprecationWarning, `b.c/v1 A is deprecated; use b.c/v${many} A`);
  assert.equal(kinds[0]?.storedAs?.version, "v1");
});

test("a short object of long defaults is refused where it is written, and shown without all of them where it is read", () => {
  const item = { type: "object", properties: { long: { type: "string", default: "x".repeat(100_000) } } };
  const schema = { type: "object", properties: { list: { type: "array", items: item } } };
  const versions = [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: schema } }];
  const spec = { group: "b.c", scope: "Cluster", names: { plural: "as", kind: "A" }, versions };
  const [kind] = customKinds(spec as unknown as CustomResourceDefinitionSpec);
  const object = (items: number) => ({
    ...{ apiVersion: "b.c/v1", kind: "A", metadata: { name: "a" } },
    list: Array.from({ length: items }, (): { long?: string } => ({})),
  });
  const short = object(10);
  kind?.defaults?.(short, undefined as never);
  assert.equal(short.list[9]?.long?.length, 100_000);
  // It will be refused for its kind, and its rules see it as it came.
  const foreign = { ...object(1), kind: "B" };
  kind?.defaults?.(foreign, undefined as never);
  assert.deepEqual(foreign.list, [{}]);
  const many = 1000;
  assert.throws(() => kind?.defaults?.(object(many), undefined as never), {
    code: 500,
    message: "etcdserver: request is too large",
  });
  const read = object(many);
  kind?.conversion?.read(read);
  const filled = read.list.filter(({ long }) => long !== undefined).length;
  assert.ok(filled > 10 && filled < 50, `${filled} are filled`);
  assert.equal(read.list.length, many);
});
