import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { nextPemBlock, pemBlock, pemOf } from "../machinery/index.ts";
import { certificateRequest } from "../testing/index.ts";
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

test("a request is signed with its key, and holds URIs where it says so", () => {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  assert.equal(requestProblem(certificateRequest({ commonName: "x" })), undefined);
  assert.equal(
    requestProblem(certificateRequest({ commonName: "x" }, privateKey)),
    "x509: ECDSA verification failure",
  );
  const uri = (text: string) => requestProblem(certificateRequest({ commonName: "x", uris: [text] }));
  assert.equal(
    uri("foo bar%zz"),
    'x509: cannot parse URI "foo bar%zz": parse "foo bar%zz": invalid URL escape "%zz"',
  );
  assert.equal(uri("https://a./b"), 'x509: cannot parse URI "https://a./b": invalid domain');
  const bytes = Buffer.concat([
    pemBlock(certificateRequest({ commonName: "x" }), "CERTIFICATE REQUEST") as Buffer,
    Buffer.from([0]),
  ]);
  assert.equal(requestProblem(pemOf("CERTIFICATE REQUEST", bytes)), "asn1: syntax error: trailing data");
});
