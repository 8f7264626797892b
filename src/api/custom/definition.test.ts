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
