/** Lists, maps and messages: values made of values. */
import type { Names, Typed } from "./access.ts";
import { noSuchOverload } from "./errors.ts";
import type { Meter } from "./meter.ts";
import type { MessageField, Node } from "./syntax.ts";
import {
  assignable,
  type CelType,
  dyn,
  equivalent,
  free,
  isDyn,
  join,
  listOf,
  mapOf,
  typeText,
} from "./types.ts";
import type { WellKnown } from "./well-known.ts";
import { CelMessage, CelOptional, type CelValue, keyIn } from "./values.ts";

/** The type of a message by name; undefined when there is none. */
export type Messages = (name: string) => CelType | undefined;

interface PartChecker {
  check(node: Node, names: Names | undefined): Typed;
  fail(at: Node | number, text: string): Typed;
  /** Lists and maps may have values of several types. */
  readonly mixing: boolean;
  /** Reported only when there are no other errors. */
  mixed(at: Node, text: string): void;
}

interface Part {
  readonly node: Node;
  readonly typed: Typed;
  readonly optional: boolean;
}

/** `marked`: whether the value is optional, and omitted if absent. */
function partOf(checker: PartChecker, node: Node, names: Names | undefined, marked: boolean): Part {
  const typed = checker.check(node, names);
  if (!marked) return { node, typed, optional: false };
  const { type, run } = typed;
  if (type.kind !== "optional" && !isDyn(type))
    checker.fail(node, `expected type 'optional_type(${typeText(type)})' but found '${typeText(type)}'`);
  return { node, typed: { type: type.kind === "optional" ? type.of : type, run }, optional: true };
}

/** undefined when it is omitted. */
function valueOf({ typed, optional }: Part, ...scope: Parameters<Typed["run"]>): CelValue {
  const value = typed.run(...scope);
  if (!optional) return value;
  if (!(value instanceof CelOptional)) throw noSuchOverload();
  return value.value;
}

/** The type of all of them; dyn when they have several, which is reported once where they must have one. */
function common(checker: PartChecker, parts: readonly Part[]): CelType {
  let type: CelType | undefined;
  let complained = checker.mixing;
  const [first] = parts;
  for (const { node, typed } of parts) {
    type = type ? (join(type, typed.type) ?? dyn) : typed.type;
    if (complained || !first || equivalent(first.typed.type, typed.type)) continue;
    complained = true;
    checker.mixed(node, `expected type '${typeText(first.typed.type)}' but found '${typeText(typed.type)}'`);
  }
  return type ?? free;
}

export function checkList(checker: PartChecker, nodes: readonly Node[], names: Names | undefined): Typed {
  const parts = nodes.map((node) =>
    node.op === "?" ? partOf(checker, node.args as Node, names, true) : partOf(checker, node, names, false),
  );
  return {
    type: listOf(common(checker, parts)),
    run: (scope, meter) => {
      meter.step(10);
      return parts.map((part) => valueOf(part, scope, meter)).filter((value) => value !== undefined);
    },
  };
}

export function checkMap(
  checker: PartChecker,
  entries: readonly (readonly [Node, Node])[],
  names: Names | undefined,
): Typed {
  const parts = entries.map(([key, value]) => ({
    key: partOf(checker, key.op === "?" ? (key.args as Node) : key, names, false),
    value: partOf(checker, value, names, key.op === "?"),
  }));
  return {
    type: mapOf(
      common(
        checker,
        parts.map(({ key }) => key),
      ),
      common(
        checker,
        parts.map(({ value }) => value),
      ),
    ),
    run: (scope, meter) => {
      meter.step(30);
      const made = new Map<CelValue, CelValue>();
      for (const { key: keyPart, value: valuePart } of parts) {
        const key = keyPart.typed.run(scope, meter);
        const value = valueOf(valuePart, scope, meter);
        // In cel-go the last of equal keys wins, although the language definition makes them an error.
        if (value !== undefined) made.set(keyIn(made, key, meter) ?? key, value);
      }
      return made;
    },
  };
}

export function checkMessage(
  checker: PartChecker,
  type: CelType,
  fields: readonly MessageField[],
  names: Names | undefined,
  special?: WellKnown,
): Typed {
  const known = special?.fields ?? (type.kind === "object" ? type.fields : new Map<string, CelType>());
  const parts = fields.map(({ name, value, optional, at }) => {
    const part = partOf(checker, value, names, optional);
    const wanted = known.get(name);
    if (!wanted) checker.fail(at, `undefined field '${name}'`);
    else if (!assignable(part.typed.type, wanted, new Map()))
      checker.fail(
        at,
        `expected type of field '${name}' is '${typeText(wanted)}' but provided type is '${typeText(part.typed.type)}'`,
      );
    return { name, part };
  });
  return {
    type,
    run: (scope, meter: Meter) => {
      meter.step(40);
      const made = new CelMessage(typeText(type));
      for (const { name, part } of parts) {
        const value = valueOf(part, scope, meter);
        if (value !== undefined) made.set(name, value);
      }
      return special ? special.make(made as Map<string, CelValue>) : made;
    },
  };
}
