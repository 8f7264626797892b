/** Finds fields that an expression reads, by syntax. */
import { parse } from "./parser.ts";
import type { Node } from "./syntax.ts";

const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && "op" in value && "args" in value;

const isNamed = (node: unknown, name: string): boolean =>
  isNode(node) && node.op === "id" && node.args === name;

/** Whether it contains `name.field` or `name["field"]`. False for an expression that cannot be parsed. */
export function readsField(source: string, name: string, field: string): boolean {
  const within = (value: unknown): boolean => {
    if (Array.isArray(value)) return value.some(within);
    if (typeof value !== "object" || value === null) return false;
    if (!isNode(value)) return Object.values(value).some(within);
    if ([".", ".?", "[]", "[?]"].includes(value.op)) {
      const [of, key] = value.args as readonly [Node, string | Node];
      const read = isNode(key) ? (key.op === "value" ? key.args : undefined) : key;
      if (read === field && isNamed(of, name)) return true;
    }
    return within(value.args);
  };
  return within(parse(source));
}
