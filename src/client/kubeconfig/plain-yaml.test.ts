import assert from "node:assert/strict";
import { it } from "node:test";
import { parse } from "yaml";
import { parsePlainYaml } from "./plain-yaml.ts";

const usual = `apiVersion: v1
kind: Config
# said by a person
clusters:
- name: one
  cluster:
    server: https://127.0.0.1:6443
    certificate-authority-data: LS0tLS1+/w==
  - name: wrong
`;

const read = [
  usual.replace("  - name: wrong\n", ""),
  `clusters:\n  - cluster:\n      server: "https://[::1]:1"\n    name: a\n  - name: b\npreferences: {}\ncurrent-context: a@b\n`,
];
for (const text of read)
  it(`reads as YAML does: ${text.slice(0, 20)}`, () => assert.deepEqual(parsePlainYaml(text), parse(text)));

for (const text of [
  usual,
  "a: |\n  b\n",
  "a: 'b'\n",
  "a: 12\n",
  "a: true\n",
  "a: {b: c}\n",
  "a: b # c\n",
  "a:\nb: c\n",
  "a: b\na: c\n",
  "a: b\n  c: d\n",
  "- a\n",
  "a: &x b\n",
  "a: b: c\n",
]) {
  it(`leaves to the whole parser: ${JSON.stringify(text.slice(0, 30))}`, () =>
    assert.equal(parsePlainYaml(text), undefined));
}
