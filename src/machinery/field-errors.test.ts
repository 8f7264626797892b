import assert from "node:assert/strict";
import { test } from "node:test";
import { invalid, invalidTyped, notSupported, notSupportedText } from "./field-errors.ts";

test("values of a named type are shown as JSON, plain strings as Go quotes them", () => {
  const odd = 'a\u0000"<b>';
  const shown = ({ message }: { message: string }): string => message.replace(/^\w+ value: /, "");
  assert.equal(shown(notSupportedText("f", odd, [])), '"a\\x00\\"<b>"');
  assert.equal(shown(invalid("f", odd, "")), '"a\\x00\\"<b>"');
  const json = '"a\\u0000\\"\\u003cb\\u003e"';
  assert.equal(shown(notSupported("f", odd, [])), json);
  assert.equal(shown(invalidTyped("f", odd, "")), json);
  assert.equal(shown(notSupported("f", undefined, ["x"])), 'null: supported values: "x"');
});
