/**
 * Reads what the declarations of `kubernetes-models` say about types and fields. They were made of a server's OpenAPI documents, and
 * have its texts line by line, those about objects in fields and about values of enums too. None of the packages' code is run.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Field -> text; the type's own under the empty name. */
export type TypeTexts = Record<string, string>;

/** `io.k8s.api.core.v1.Pod` as `IoK8sApiCoreV1Pod`, which the packages call it. */
export const oneWord = (definition: string): string =>
  definition
    .split(/[.-]/)
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join("");

const comment = String.raw`/\*\*\n((?:(?!\*/)[^])*?)\n *\*/\n`;
/** What is declared first in a file: an interface with its members, or another type. */
const declaration = new RegExp(
  String.raw`(?:${comment})?export (?:interface \w+[^{]*\{\n((?:(?!\})[^\n]*\n)*)\}|type \w+ = )`,
);
const field = new RegExp(String.raw`^    ${comment}    "?([\w$-]+)"?\??:`, "gm");
const fullName = /^export type \{ \w+ as I(\w+),/m;

/** The text of a comment, without what the package adds to it. */
const textIn = (lines: string): string =>
  lines
    .replaceAll(/^ *\* ?/gm, "")
    .replaceAll(/\\([*_`/])/g, "$1")
    .replace(/\n@deprecated$/, "");

/** What the declarations of one file say. */
export function textsIn(source: string): TypeTexts {
  const [, own, body = ""] = declaration.exec(source) ?? [];
  const texts: TypeTexts = own === undefined ? {} : { "": textIn(own) };
  for (const [, lines = "", member = ""] of body.matchAll(field)) texts[member] = textIn(lines);
  return texts;
}

/** All texts of a package's folder, by the name of the type in one word. */
export function readTexts(folder: string, into = new Map<string, TypeTexts>()): Map<string, TypeTexts> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (entry.name !== "_schemas" && entry.name !== "node_modules") readTexts(path, into);
    } else if (entry.name.endsWith(".d.ts")) {
      const source = readFileSync(path, "utf8");
      const name = fullName.exec(source)?.[1];
      if (name !== undefined) into.set(name, textsIn(source));
    }
  }
  return into;
}
