/** Whether tolerations cover others, by the rules of kube-apiserver's PodTolerationRestriction. */
import type { Toleration } from "../../../api/index.ts";
import { isObject, jsonProblem, StatusError } from "../../../machinery/index.ts";

/** Tolerations of an annotation. Throws 500 with the text of Go's decoder. */
export function readTolerations(text: string): readonly Toleration[] {
  if (text === "") return [];
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new StatusError("", jsonProblem(text), { cause });
  }
  if (value === null) return [];
  if (!Array.isArray(value)) throw wrongType(value, "Go value of type []v1.Toleration");
  return value.map((each: unknown) => {
    if (each !== null && !isObject(each)) throw wrongType(each, "Go value of type v1.Toleration");
    return readToleration(each ?? {});
  });
}

/** Go's decoder matches names case-insensitively, and ignores null. */
function readToleration(given: Record<string, unknown>): Toleration {
  const read: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(given)) {
    const field = Object.keys(types).find((each) => each.toLowerCase() === name.toLowerCase());
    if (field === undefined || value === null) continue;
    const type = types[field] as string;
    const fits = type === "int64" ? Number.isSafeInteger(value) : typeof value === "string";
    if (!fits) throw wrongType(value, `Go struct field Toleration.${field} of type ${type}`);
    read[field] = value;
  }
  return read as Toleration;
}

const types: Readonly<Record<string, string>> = {
  key: "string",
  operator: "v1.TolerationOperator",
  value: "string",
  effect: "v1.TaintEffect",
  tolerationSeconds: "int64",
};

function wrongType(value: unknown, into: string): StatusError {
  const simple = typeof value === "boolean" ? "bool" : typeof value;
  const plain = Array.isArray(value) ? "array" : simple;
  const shown = typeof value === "number" && into.endsWith("int64") ? `number ${value}` : plain;
  return new StatusError("", `json: cannot unmarshal ${shown} into ${into}`);
}

/** True when each is covered by one of the list; an empty list allows all. */
export const allTolerated = (tolerations: readonly Toleration[], list: readonly Toleration[]): boolean =>
  list.length === 0 || tolerations.every((each) => list.some((wide) => covers(wide, each)));

/** Both lists, without tolerations that others cover; of equal ones the first stays. */
export function mergeTolerations(first: readonly Toleration[], second: readonly Toleration[]): Toleration[] {
  const all = [...first, ...second];
  const merged: Toleration[] = [];
  for (const [i, each] of all.entries()) {
    const later = all.slice(i + 1);
    if (merged.some((other) => covers(other, each))) continue;
    if (later.some((other) => !same(other, each) && covers(other, each))) continue;
    merged.push(each);
  }
  return merged;
}

const same = (one: Toleration, other: Toleration): boolean =>
  (["key", "operator", "value", "effect"] as const).every(
    (name) => (one[name] ?? "") === (other[name] ?? ""),
  ) && one.tolerationSeconds === other.tolerationSeconds;

/** True when `wide` tolerates all that `narrow` does. */
function covers(wide: Toleration, narrow: Toleration): boolean {
  if (same(wide, narrow)) return true;
  const anyKey = !wide.key && wide.operator === "Exists";
  if ((narrow.key ?? "") !== (wide.key ?? "") && !anyKey) return false;
  if (wide.effect && narrow.effect !== wide.effect) return false;
  if (wide.effect === "NoExecute" && wide.tolerationSeconds !== undefined) {
    const { tolerationSeconds = Infinity } = narrow;
    if (tolerationSeconds > wide.tolerationSeconds) return false;
  }
  if (wide.operator === "Exists") return true;
  if (wide.operator && wide.operator !== "Equal") return false;
  return narrow.operator === "Equal" && (narrow.value ?? "") === (wide.value ?? "");
}
