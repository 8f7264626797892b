import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Whole or not at all: written beside and renamed. Big integers are kept as strings with an n behind. */
export function writeState(path: string, state: unknown): void {
  // `value` comes from BigInt's toJSON, where there is one; the holder still has the integer.
  const text = JSON.stringify(state, function (this: Record<string, unknown>, key, value: unknown) {
    const held = this[key];
    return typeof held === "bigint" ? `${held}n` : value;
  });
  writeFileSync(`${path}.new`, text, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/** Undefined when it is missing or was cut short by a crash of the machine. */
export function readState<T>(path: string): T | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8"), (key, value: unknown) =>
      typeof value === "string" && /At$/.test(key) && /^\d+n$/.test(value)
        ? BigInt(value.slice(0, -1))
        : value,
    ) as T;
  } catch {
    return undefined;
  }
}

/** Names of the directories below; the directory is made when missing. */
export function stateDirectories(directory: string): string[] {
  mkdirSync(directory, { recursive: true, mode: 0o711 });
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
}

export const stateFile = (directory: string): string => join(directory, "state.json");
