import type { ServerConnection } from "../../client/index.ts";
import type { FlagSpec, Parsed } from "../flags.ts";
import type { Mapper } from "./mapper.ts";
import type { Output, Session } from "./session.ts";

/** The environment of a command. */
export interface Context {
  session: Session;
  /** Server and credentials; for streams, which do not use the transport. */
  connection: ServerConnection;
  mapper: Mapper;
  io: Output;
  /** Aborted by Ctrl-C. */
  signal: AbortSignal;
  /** True when the user gave `-n` or `--namespace`. */
  namespaceGiven: boolean;
}

/** A kubectl verb. `run` returns the exit code. */
export interface Command {
  summary: string;
  usage: string;
  flags: readonly FlagSpec[];
  /** Flags after the first argument belong to that argument's command (exec, plugins). */
  stopAtArgument?: boolean;
  run(context: Context, parsed: Parsed): Promise<number>;
}

export const namespaceFlags: readonly FlagSpec[] = [
  { long: "namespace", short: "n", type: "string", help: "the namespace to work in" },
];
export const filenameFlags: readonly FlagSpec[] = [
  { long: "filename", short: "f", type: "list", help: "a file, a folder, or - for standard input" },
  { long: "recursive", short: "R", type: "boolean", help: "also the folders below" },
  {
    long: "kustomize",
    short: "k",
    type: "string",
    help: "not supported; run kustomize and give its output with -f -",
  },
];
export const selectorFlags: readonly FlagSpec[] = [
  { long: "selector", short: "l", type: "string", help: "label selector, e.g. app=web,tier!=db" },
  { long: "field-selector", type: "string", help: "field selector, e.g. spec.nodeName=n1" },
  { long: "all-namespaces", short: "A", type: "boolean", help: "in all namespaces" },
];
export const outputFlags: readonly FlagSpec[] = [
  {
    long: "output",
    short: "o",
    type: "string",
    help: "json, yaml, name, wide, jsonpath=..., go-template=..., custom-columns=...",
  },
  { long: "show-managed-fields", type: "boolean", help: "keep managedFields with -o json and yaml" },
];
export const dryRunFlags: readonly FlagSpec[] = [
  { long: "dry-run", type: "optional", implied: "client", help: "none, client or server" },
];
export const fieldManagerFlags: readonly FlagSpec[] = [
  { long: "field-manager", type: "string", help: "the name changes are booked under" },
];

export type DryRun = "none" | "client" | "server";

export function dryRunOf(value: string | undefined): DryRun {
  if (value === undefined || value === "none") return "none";
  if (value === "client" || value === "server") return value;
  throw new Error(`invalid dry-run value (${value}). Must be "none", "server", or "client"`);
}

export const dryRunNote: Record<DryRun, string> = {
  none: "",
  client: " (dry run)",
  server: " (server dry run)",
};

/** A delay that Ctrl-C aborts. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const handle = setTimeout(done, ms);
    function done(): void {
      clearTimeout(handle);
      signal.removeEventListener("abort", done);
      resolve();
    }
    signal.addEventListener("abort", done);
  });
}
