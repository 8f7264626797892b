/** Resource quantities (`v1.ResourceList` of any kind) are rounded up to thousandths before validation. */
import { formatQuantity, parseQuantity, type Quantity } from "../machinery/index.ts";
import type { Parts } from "./definition.ts";
import { type FieldSchema, schemaOf, typeOf, type TypeSchema } from "./schema.ts";

/** Quantity fields, and fields that contain some at a deeper level. */
type Plan = readonly { name: string; field: FieldSchema; inner: TypeSchema | undefined }[];

const plans = new WeakMap<TypeSchema, Plan>();
const underWay: Plan = [];

function innermost(field: FieldSchema): TypeSchema | undefined {
  let at: FieldSchema | undefined = field;
  while (at?.element) at = at.element;
  return at && typeOf(at);
}

function planOf(type: TypeSchema): Plan {
  const known = plans.get(type);
  if (known) return known;
  plans.set(type, underWay);
  const plan: { name: string; field: FieldSchema; inner: TypeSchema | undefined }[] = [];
  for (const [name, field] of type.fields) {
    if (field.goName === "v1.ResourceList") plan.push({ name, field, inner: undefined });
    else {
      const inner = innermost(field);
      if (inner && planOf(inner).length > 0) plan.push({ name, field, inner });
    }
  }
  plans.set(type, plan);
  return plan;
}

const unit = 1_000_000n;

function inThousandths(amount: string): string {
  // The most common form.
  if (/^\d+(?:m|[kMGTPE]i?)?$/.test(amount)) return amount;
  const quantity = parseQuantity(amount);
  return quantity.nanos % unit === 0n ? amount : formatQuantity(roundedUp(quantity));
}

function roundedUp({ nanos, format }: Quantity): Quantity {
  const rest = nanos % unit;
  return { nanos: rest === 0n ? nanos : nanos - rest + (rest > 0n ? unit : -unit), format };
}

/** A fraction with a binary suffix, such as `5.9Ki`. */
const binaryFraction = /^[+-]?\d*\.\d*[KMGTPE]i$/;

/**
 * Rounds a fraction with a binary suffix. This needs the original text, since the canonical form has a binary suffix only for
 * integers. Undefined when nothing is to be rounded.
 */
export function roundedFraction(given: string): string | undefined {
  if (!binaryFraction.test(given)) return undefined;
  const quantity = parseQuantity(given);
  return quantity.nanos % unit === 0n ? undefined : formatQuantity(roundedUp(quantity));
}

function walk(field: FieldSchema, inner: TypeSchema | undefined, value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  const members = value as Record<string, unknown>;
  if (!inner) {
    for (const name in members) members[name] = inThousandths(members[name] as string);
  } else if (field.element) {
    for (const each of Object.values(members)) walk(field.element, inner, each);
  } else walkObject(inner, members);
}

function walkObject(type: TypeSchema, object: Record<string, unknown>, same?: Parts): void {
  for (const { name, field, inner } of planOf(type)) {
    if (!same || object[name] !== same[name]) walk(field, inner, object[name]);
  }
}

/** In place; of an object that conforms to the type. `same`: parts to skip. */
export function roundAmounts(schema: string, object: object, same?: Parts): void {
  const type = schemaOf(schema);
  if (type) walkObject(type, object as Record<string, unknown>, same);
}
