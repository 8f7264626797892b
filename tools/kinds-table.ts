/** Writes docs/kinds.md: every kind that is served, out of the definitions. Run: `node tools/kinds-table.ts`. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type KindDefinition, kinds } from "../src/api/index.ts";

const kindsFile = join(import.meta.dirname, "../docs/kinds.md");

const list = (texts: readonly string[]): string => (texts.length === 0 ? "" : texts.join(", "));

function row(kind: KindDefinition): string {
  const parts = [
    ...(kind.status ? ["status"] : []),
    ...(kind.scale ? ["scale"] : []),
    ...(kind.subresources ?? []),
  ];
  const cells = [
    kind.group === "" ? kind.version : `${kind.group}/${kind.version}`,
    kind.kind,
    kind.plural,
    list(kind.shortNames),
    kind.namespaced ? "yes" : "no",
    kind.verbs.length === 1 ? "create only" : "",
    list(parts.sort()),
    list(Object.keys(kind.selectableFields ?? {}).sort()),
  ];
  return `| ${cells.join(" | ")} |`;
}

export function kindsTable(): string {
  return `# Kinds

Made by \`tools/kinds-table.ts\` out of the definitions in [src/api](../src/api). Kinds that CustomResourceDefinitions add come
on top. Selectable fields are those besides \`metadata.name\` and \`metadata.namespace\`.

| version | kind | resource | short | in a namespace | verbs | subresources | selectable fields |
| --- | --- | --- | --- | --- | --- | --- | --- |
${kinds.map(row).join("\n")}
`;
}

export const currentTable = (): string => readFileSync(kindsFile, "utf8");

if (import.meta.main) writeFileSync(kindsFile, kindsTable());
