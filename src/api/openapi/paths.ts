import type { Method, Operation, Parameter } from "./model.ts";

export interface PathItem {
  path: string;
  /** Parameters of all operations of the path. */
  shared: readonly Parameter[];
  operations: readonly { operation: Operation; own: readonly Parameter[] }[];
}

const methods: readonly Method[] = ["get", "put", "post", "delete", "options", "head", "patch"];

/** Operations by path, in document order; common parameters are listed once. */
export const byPath = (operations: readonly Operation[]): PathItem[] => grouped(operations).map(pathItem);

/** Operations of each path, in document order. Not empty. */
export function grouped(
  operations: readonly Operation[],
): (readonly [path: string, operations: Operation[]])[] {
  const found = new Map<string, Operation[]>();
  for (const each of operations) {
    const list = found.get(each.path);
    if (list) list.push(each);
    else found.set(each.path, [each]);
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1));
}

export function pathItem([path, given]: readonly [path: string, operations: Operation[]]): PathItem {
  const list = given.toSorted((a, b) => methods.indexOf(a.method) - methods.indexOf(b.method));
  const [first, ...others] = list as [Operation, ...Operation[]];
  const shared = first.parameters.filter((parameter) =>
    others.every((other) => other.parameters.some((each) => same(each, parameter))),
  );
  return {
    path,
    shared,
    operations: list.map((operation) => ({
      operation,
      own: operation.parameters.filter((each) => !shared.some((other) => same(each, other))),
    })),
  };
}

const same = (a: Parameter, b: Parameter): boolean =>
  a.name === b.name && a.in === b.in && a.description === b.description;
