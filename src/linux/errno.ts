import { constants } from "node:os";

const names = new Map(Object.entries(constants.errno).map(([name, code]) => [code, name]));
// Names missing in Node's table.
for (const [code, name] of [
  [6, "ENXIO"],
  [15, "ENOTBLK"],
  [40, "ELOOP"],
  [122, "EDQUOT"],
] as const) {
  if (!names.has(code)) names.set(code, name);
}

/** `2` is `ENOENT`. */
export function errnoName(code: number): string {
  return names.get(code) ?? `errno ${code}`;
}
