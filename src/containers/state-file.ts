import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Written atomically by rename. Bigints are encoded as strings with the suffix n. */
export function writeState(path: string, state: unknown): void {
  // `value` is the result of BigInt's toJSON, if defined; the holder still has the bigint.
  const text = JSON.stringify(state, function (this: Record<string, unknown>, key, value: unknown) {
    const held = this[key];
    return typeof held === "bigint" ? `${held}n` : value;
  });
  writeFileSync(`${path}.new`, text, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/** Undefined when it is missing or was truncated by a crash of the machine. */
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

/** Names of subdirectories; creates the directory when missing. */
export function stateDirectories(directory: string): string[] {
  mkdirSync(directory, { recursive: true, mode: 0o711 });
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
}

export const stateFile = (directory: string): string => join(directory, "state.json");
