import assert from "node:assert/strict";
import { test } from "node:test";
import { validateLimitRange } from "./limits.ts";

/** What is said of the ratio of a container's limit to its request. */
const ratio = (most: string, least: string, wanted: string): string[] =>
  validateLimitRange({
    metadata: { name: "l" },
    spec: {
      limits: [
        { type: "Container", max: { cpu: most }, min: { cpu: least }, maxLimitRequestRatio: { cpu: wanted } },
      ],
    },
  }).map(({ message }) => message.replace(/^.*: /, ""));

test("a ratio is held against max/min in thousandths, or in ones where these would be too large", () => {
  assert.deepEqual(ratio("4", "500m", "8"), []);
  assert.deepEqual(ratio("4", "500m", "9"), ["ratio 9 is greater than max/min = 8.000000"]);
  assert.deepEqual(ratio("4", "500m", "1e18"), ["ratio 1e18 is greater than max/min = 4.000000"]);
  assert.deepEqual(ratio("1e19", "1", "3"), ["ratio 3 is greater than max/min = 0.000000"]);
  assert.deepEqual(ratio("1e18", "1", "3"), []);
});
