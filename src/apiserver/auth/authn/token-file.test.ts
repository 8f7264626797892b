import assert from "node:assert/strict";
import { test } from "node:test";
import { readTokenFile } from "./token-file.ts";

test("lines of a token file: quotes, groups, lines that say nothing, and the last of several", () => {
  const text = 'a,one,1\r\n\r\n"b,c",two,,"g,""h"""\n,nobody,3\nd,first,4\nd,second,5,\n';
  assert.deepEqual(
    [...readTokenFile(text, "f")],
    [
      ["a", { name: "one", uid: "1", groups: [] }],
      ["b,c", { name: "two", groups: ["g", '"h"'] }],
      ["d", { name: "second", uid: "5", groups: [""] }],
    ],
  );
  assert.equal(readTokenFile("", "f").size, 0);
  for (const [line, found] of [
    ["a", 1],
    ["x,1,2\na,b", 2],
  ] as const)
    assert.throws(() => readTokenFile(line, "f"), {
      message: `token file 'f' must have at least 3 columns (token, user name, user uid), found ${found}`,
    });
  assert.throws(() => readTokenFile('a,b,c\n"e"f,g,h', "f"), /line 2: there is a quote/);
});
