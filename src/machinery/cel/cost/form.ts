/** Expressions for cost estimation: macros expanded, every node with its type. */
import type { CelType } from "../types.ts";

/** The parameter types identify an overload of a function. */
export interface Chosen {
  readonly params: readonly CelType[];
}

export type Form = { readonly type: CelType } & (
  | { readonly kind: "constant"; readonly value: unknown }
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "member"; readonly of: Form; readonly name: string }
  | { readonly kind: "presence"; readonly of: Form }
  | {
      readonly kind: "call";
      readonly name: string;
      readonly overloads: readonly Chosen[];
      readonly target: Form | undefined;
      readonly args: readonly Form[];
    }
  | { readonly kind: "list"; readonly items: readonly Form[] }
  | { readonly kind: "map"; readonly entries: readonly (readonly [Form, Form])[] }
  | { readonly kind: "message"; readonly values: readonly Form[] }
  | Loop
  | { readonly kind: "bind"; readonly name: string; readonly value: Form; readonly inside: Form }
);

/** A loop over `range` with an accumulator, which `condition` and `step` see as `@result`. */
interface Loop {
  readonly kind: "loop";
  readonly range: Form;
  /** One for items or keys, or two for index or key and value. */
  readonly variables: readonly string[];
  readonly start: Form;
  readonly condition: Form;
  readonly step: Form;
  readonly outcome: Form;
}

/** Name of a loop's accumulator; not valid for variables. */
export const gathered = "@result";

/** When the overload does not matter. */
export const any: readonly Chosen[] = [{ params: [] }];
export const constant = (value: unknown, type: CelType): Form => ({ kind: "constant", type, value });
export const name = (of: string, type: CelType): Form => ({ kind: "name", type, name: of });
export const call = (
  type: CelType,
  of: string,
  args: readonly Form[],
  overloads = any,
  target?: Form,
): Form => ({
  kind: "call",
  type,
  name: of,
  overloads,
  target,
  args,
});
export const list = (type: CelType, ...items: readonly Form[]): Form => ({ kind: "list", type, items });

/** The overload for arguments of these types. */
export const by = (...args: readonly Form[]): readonly Chosen[] => [{ params: args.map(({ type }) => type) }];
