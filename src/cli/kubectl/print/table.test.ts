import assert from "node:assert/strict";
import { test } from "node:test";
import { tableText } from "./table.ts";

const table = {
  columnDefinitions: [
    { name: "Name", priority: 0 },
    { name: "Ready", priority: 0 },
    { name: "IP", priority: 1 },
  ],
  rows: [
    {
      cells: ["web-1", "1/1", "10.0.0.1"],
      object: { metadata: { name: "web-1", namespace: "a", labels: { app: "web" } } },
    },
    {
      cells: ["a-longer-name", null, "10.0.0.2"],
      object: { metadata: { name: "a-longer-name", namespace: "b" } },
    },
  ],
};
const plain = {
  wide: false,
  headers: true,
  showLabels: false,
  labelColumns: [],
  showNamespace: false,
  prefix: undefined,
};

test("columns are as wide as their widest cell, three blanks apart", () => {
  assert.equal(
    tableText(table, plain),
    "NAME            READY\nweb-1           1/1\na-longer-name   <none>\n",
  );
});

test("wide shows all columns, labels and namespaces when asked", () => {
  const text = tableText(table, {
    ...plain,
    wide: true,
    showNamespace: true,
    showLabels: true,
    labelColumns: ["app"],
  });
  assert.deepEqual(
    text.split("\n").map((line) => line.split(/ {2,}/)),
    [
      ["NAMESPACE", "NAME", "READY", "IP", "APP", "LABELS"],
      ["a", "web-1", "1/1", "10.0.0.1", "web", "app=web"],
      ["b", "a-longer-name", "<none>", "10.0.0.2", "<none>"],
      [""],
    ],
  );
});
