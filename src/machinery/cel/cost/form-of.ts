/** Converts a checked expression into the form for cost estimation. */
import type { Overload } from "../functions.ts";
import type { Message, Node } from "../syntax.ts";
import { type CelType, dyn, listOf, mapOf } from "../types.ts";
import { by, call, constant, type Form, list, name } from "./form.ts";
import { expandMacro } from "./macros.ts";

/** Result of the check for a node. */
export interface Note {
  readonly type: CelType;
  /** The possible overloads of a call. */
  readonly overloads?: readonly Overload[];
  /** The function; its receiver is not among the arguments. */
  readonly called?: { readonly name: string; readonly member: boolean };
  /** Name of a variable or type, which may contain dots. */
  readonly name?: string;
}

export type Notes = ReadonlyMap<Node, Note>;

export function formOf(notes: Notes, node: Node): Form {
  const of = (each: Node): Form => formOf(notes, each.op === "?" ? (each.args as Node) : each);
  const note = notes.get(node);
  const type = note?.type ?? dyn;
  if (note?.name !== undefined) return name(note.name, type);
  switch (node.op) {
    case "value":
      return constant(node.args, type);
    case ".": {
      const [left, member] = node.args as [Node, string];
      return { kind: "member", type, of: of(left), name: member };
    }
    case ".?": {
      const [left, member] = node.args as [Node, string];
      return call(type, "_?._", [of(left), constant(member, dyn)]);
    }
    case "[]":
    case "[?]": {
      const args = (node.args as Node[]).map(of);
      const container = args[0]?.type ?? dyn;
      const both = [{ params: [listOf(dyn)] }, { params: [mapOf(dyn, dyn)] }];
      const known = container.kind === "list" || container.kind === "map" || container.kind === "optional";
      return call(type, node.op === "[]" ? "_[_]" : "_[?_]", args, known ? by(...args) : both);
    }
    case "list":
      return list(type, ...(node.args as Node[]).map(of));
    case "map":
      return {
        kind: "map",
        type,
        entries: (node.args as [Node, Node][]).map(([key, value]) => [of(key), of(value)]),
      };
    case "message":
      return { kind: "message", type, values: (node.args as Message).fields.map(({ value }) => of(value)) };
    case "?:":
    case "&&":
    case "||":
      return call(type, node.op, (node.args as Node[]).map(of));
    case "call":
    case "rcall":
      return formOfCall(notes, node, type);
    default: {
      const operands = Array.isArray(node.args) ? (node.args as Node[]) : [node.args as Node];
      return call(type, note?.called?.name ?? node.op, operands.map(of), note?.overloads);
    }
  }
}

function formOfCall(notes: Notes, node: Node, type: CelType): Form {
  const member = node.op === "rcall";
  const [given, ...rest] = node.args as [string, ...unknown[]];
  const receiver = member ? (rest[0] as Node) : undefined;
  const args = rest.at(-1) as readonly Node[];
  const { overloads, called } = notes.get(node) ?? {};
  if (!called || called.name === "@sortByAssociatedKeys") {
    const of = (each: Node): Form => formOf(notes, each);
    const [first] = args as readonly [Node];
    if (!receiver) return { kind: "presence", type, of: of((first.args as [Node])[0]) };
    if (given === "bind") {
      const [, value, inside] = args as readonly [Node, Node, Node];
      return { kind: "bind", type, name: first.args as string, value: of(value), inside: of(inside) };
    }
    return expandMacro({ macro: given, type, range: of(receiver), args, of, overloads });
  }
  return call(
    type,
    called.name,
    args.map((each) => formOf(notes, each)),
    overloads,
    called.member && receiver ? formOf(notes, receiver) : undefined,
  );
}
