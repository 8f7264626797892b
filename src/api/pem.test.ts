import assert from "node:assert/strict";
import { test } from "node:test";
import { nextPemBlock } from "../machinery/index.ts";
import { certificateProblem, requestProblem } from "./certificate-data.ts";

const block = (type: string, body: string): string =>
  `-----BEGIN ${type}-----\n${body}-----END ${type}-----\n`;

test("blocks are found one after the other, and what is none between them is passed over", () => {
  const text = `x\n${block("A", "YQ==\n")}-----BEGIN B-----\n${block("C", "k: v\n\nYmM=\n")}${block("D", "!\n")}${block("E", "")}`;
  const found: [string, boolean, string][] = [];
  for (let each = nextPemBlock(text, 0); each; each = nextPemBlock(text, each.next))
    found.push([each.type, each.hasHeaders, each.bytes]);
  assert.deepEqual(found, [
    ["A", false, "a"],
    ["C", true, "bc"],
    ["E", false, ""],
  ]);
});

test("beginnings without an end, ends without a beginning and blocks of nonsense are each looked at once", () => {
  const many = 50_000;
  for (const part of [
    "-----BEGIN CERTIFICATE REQUEST-----\n",
    "-----END CERTIFICATE REQUEST-----\n",
    block("CERTIFICATE REQUEST", "!\n"),
    "-----BEGIN :-----\n-----END :\n",
  ])
    for (const text of [part.repeat(many), `${part.repeat(many)}${block("X", "!\n")}`]) {
      assert.equal(requestProblem(text), "PEM block type must be CERTIFICATE REQUEST");
      assert.equal(certificateProblem(text), "must contain at least one CERTIFICATE PEM block");
    }
});
