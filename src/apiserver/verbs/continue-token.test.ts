import assert from "node:assert/strict";
import { test } from "node:test";
import type { StatusError } from "../../machinery/index.ts";
import { decodeContinue, encodeContinue } from "./continue-token.ts";

const token = (text: string): string => Buffer.from(text).toString("base64url");
const of = (members: string): string => `{"v":"meta.k8s.io/v1",${members}}`;

function problem(text: string): string {
  try {
    decodeContinue(token(text));
  } catch (error) {
    const { code, message } = error as StatusError;
    assert.equal(code, 400);
    return message.replace("invalid continue token: continue key is not valid", "");
  }
  return "";
}

test("what is encoded is decoded", () => {
  for (const start of ["a", "default/a\0", "ä"])
    assert.deepEqual(decodeContinue(encodeContinue({ revision: 7, start })), { revision: 7, start });
  assert.deepEqual(decodeContinue(token('{"V":"meta.k8s.io/v1","RV":-1,"START":"a","x":1}')), {
    revision: -1,
    start: "a",
  });
});

test("tokens that are none, in the words of Go's decoder", () => {
  const field = (what: string, name: string, type: string): string =>
    `: json: cannot unmarshal ${what} into Go struct field continueToken.${name} of type ${type}`;
  const whole = (what: string): string =>
    `: json: cannot unmarshal ${what} into Go value of type storage.continueToken`;
  const cases: [text: string, problem: string][] = [
    ["[]", whole("array")],
    ["5", whole("number")],
    ['"x"', whole("string")],
    ["true", whole("bool")],
    ["null", ": server does not recognize this encoded version "],
    ['{"v":null,"rv":1,"start":"a"}', ": server does not recognize this encoded version "],
    [of('"rv":1.5,"start":"a"'), field("number 1.5", "rv", "int64")],
    [of('"rv":1e3,"start":"a"'), field("number 1e3", "rv", "int64")],
    [of('"rv":0.0,"start":"a"'), field("number 0.0", "rv", "int64")],
    [of('"rv":1e300,"start":"a"'), field("number 1e300", "rv", "int64")],
    [of('"rv":9223372036854775808,"start":"a"'), field("number 9223372036854775808", "rv", "int64")],
    [of('"rv":true,"start":"a"'), field("bool", "rv", "int64")],
    [of('"rv":1,"start":{}'), field("object", "start", "string")],
    [of('"rv":1,"start":["a"]'), field("array", "start", "string")],
    [of('"rv":null,"start":"a"'), ": incorrect encoded start resourceVersion (version meta.k8s.io/v1)"],
    [of('"rv":-0,"start":"a"'), ": incorrect encoded start resourceVersion (version meta.k8s.io/v1)"],
    [of('"rv":-1,"start":null'), ": encoded start key empty (version meta.k8s.io/v1)"],
    [of('"rv":-1,"start":"../a"'), ": ../a"],
  ];
  for (const [text, wrong] of cases) assert.equal(problem(text), wrong, text);
});
