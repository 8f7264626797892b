import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseIgnore } from "./ignore.ts";

describe(".dockerignore", () => {
  const cases: [rules: string, ignored: string[], kept: string[]][] = [
    ["# comment\n\n*.md\n!README.md", ["a.md"], ["README.md", "docs/a.md"]],
    ["**/*.log", ["a.log", "x/y/a.log"], ["a.log.txt"]],
    ["node_modules", ["node_modules", "node_modules/a/b"], ["x/node_modules"]],
    ["/dist/", ["dist/x"], ["src/dist"]],
    ["a/**/z", ["a/z", "a/b/c/z"], ["z"]],
    ["*\n!src", ["a", "b/c"], ["src", "src/x"]],
    ["src\n!src/keep\nsrc/keep/not", ["src/x", "src/keep/not"], ["src/keep/yes"]],
    ["file?.[ch]", ["file1.c", "fileX.h"], ["file10.c", "file1.o"]],
    ["[^a]b", ["xb"], ["ab", "/b"]],
    ["./x/../y", ["y"], ["x"]],
    [".", ["anything", "a/b"], []],
  ];
  for (const [rules, ignored, kept] of cases) {
    it(JSON.stringify(rules), () => {
      const parsed = parseIgnore(rules, ".dockerignore");
      for (const path of ignored) assert.ok(parsed.ignores(path), `${path} is ignored`);
      for (const path of kept) assert.ok(!parsed.ignores(path), `${path} is kept`);
    });
  }

  it("names the line of a pattern that is none", () => {
    assert.throws(() => parseIgnore("ok\n[a", "x/.dockerignore"), /^DockerfileError|x\/\.dockerignore:2: /);
  });
});
