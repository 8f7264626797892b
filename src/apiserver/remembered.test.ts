/** Caches do not keep long values of clients. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { canonicalQuantity } from "../machinery/index.ts";
import { RbacAuthorizer } from "./auth/rbac/rbac-authorizer.ts";
import { sharedLabels } from "./cache/shared-labels.ts";
import { parseAccept } from "./codec/negotiate.ts";
import { Classifier } from "./flow-control/classify.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

const texts = 200;
const letters = 100_000;
const text = (i: number): string => `${i}`.padEnd(letters, "x");

function heldBy(work: (i: number) => void): number {
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < texts; i++) work(i);
  collect();
  return process.memoryUsage().heapUsed - before;
}

const rbac = new RbacAuthorizer();
const classifier = new Classifier([]);
const group = (i: number) => ({ name: "jane", groups: [text(i)] });
const request = {
  ...{ verb: "get", apiGroup: "", apiVersion: "v1", resource: "pods", subresource: "", namespace: "" },
  ...{ name: "", path: "/", isResource: true },
};

const places: [name: string, work: (i: number) => void][] = [
  ["Accept headers", (i) => parseAccept(text(i))],
  ["Accept headers of many parts", (i) => parseAccept(`a/${i}${",a".repeat(letters / 2)}`)],
  ["quantities between spaces", (i) => canonicalQuantity(`${i}`.padStart(letters))],
  ["labels", (i) => sharedLabels({ a: text(i) })],
  ["questions to RBAC", (i) => rbac.authorize({ ...request, user: group(i) })],
  ["users of flow control", (i) => classifier.find(group(i), { isResource: true } as never)],
];

for (const [name, work] of places)
  test(name, () => {
    const held = heldBy(work);
    assert.ok(held < (texts * letters) / 4, `${held} bytes are held`);
  });

test("what is short is remembered", () => {
  assert.equal(parseAccept("a/b,c/d;q=0.5"), parseAccept("a/b,c/d;q=0.5"));
  assert.equal(sharedLabels({ a: "b" }), sharedLabels({ a: "b" }));
  const jane = { ...request, user: { name: "jane", groups: ["a"] } };
  assert.equal(rbac.authorize(jane), rbac.authorize({ ...jane, user: { ...jane.user } }));
});
