import assert from "node:assert/strict";
import { it } from "node:test";
import { renderGoTemplate } from "./go-template.ts";

const list = {
  items: [
    { metadata: { name: "a", labels: { x: "1", y: "2" } }, n: 1 },
    { metadata: { name: "b" }, n: 2 },
  ],
};

const cases: [template: string, output: string][] = [
  ['{{range .items}}{{.metadata.name}}{{"\\n"}}{{end}}', "a\nb\n"],
  ["{{range $i, $e := .items}}{{$i}}={{$e.metadata.name}} {{end}}", "0=a 1=b "],
  ['{{len .items}} {{(index .items 1).metadata.name}} {{index .items 0 "n"}}', "2 b 1"],
  ["{{range .items}}{{if eq .n 1}}one{{else if gt .n 1}}more{{else}}less{{end}},{{end}}", "one,more,"],
  ["{{with .nope}}yes{{else}}no{{end}}{{.nope}}", "no<no value>"],
  ["a {{- /* said */ -}} b {{- 1 }}", "ab1"],
  ["{{range .items}}{{.metadata.labels}};{{end}}", "map[x:1 y:2];<no value>;"],
  ["{{$n := 5}}{{if and true (lt $n 6)}}{{$n = 7}}{{end}}{{$n}}", "7"],
  ['{{"aGk=" | base64decode | printf "%s-%03d|%q" "x" 7}}', 'x-007|"hi"'],
  ["{{range $k, $v := (index .items 0).metadata.labels}}{{$k}}:{{$v}} {{end}}", "x:1 y:2 "],
];

for (const [template, output] of cases) {
  it(`renders ${template}`, () => assert.equal(renderGoTemplate(template, list), output));
}

it("names what it does not know", () => {
  assert.throws(() => renderGoTemplate("{{nope .a}}", {}), /function "nope" not defined/);
  assert.throws(() => renderGoTemplate("{{if .a}}", {}), /\{\{end\}\} is missing/);
});
