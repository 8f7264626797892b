import { StatusError } from "../../machinery/index.ts";
import type { CommandOptions, LogOptions } from "./contract.ts";

/** A parsed request to the kubelet's API. */
export type KubeletRequest =
  | { kind: "logs"; namespace: string; pod: string; container: string; options: LogOptions }
  | { kind: "exec" | "attach"; namespace: string; pod: string; container: string; options: CommandOptions }
  | { kind: "portForward"; namespace: string; pod: string; ports: number[] };

const flag = (query: URLSearchParams, ...names: string[]): boolean =>
  names.some((name) => ["1", "true"].includes(query.get(name) ?? ""));

function whole(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === "") return undefined;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0)
    throw new StatusError("BadRequest", `invalid ${name}: ${text}`);
  return value;
}

function logOptions(query: URLSearchParams): LogOptions {
  const options: LogOptions = {
    follow: flag(query, "follow"),
    previous: flag(query, "previous"),
    timestamps: flag(query, "timestamps"),
  };
  for (const name of ["tailLines", "limitBytes", "sinceSeconds"] as const) {
    const value = whole(query, name);
    if (value !== undefined) options[name] = value;
  }
  const since = query.get("sinceTime");
  if (since) options.sinceTime = since;
  const stream = query.get("stream");
  if (stream) options.stream = stream;
  return options;
}

function commandOptions(query: URLSearchParams): CommandOptions {
  const tty = flag(query, "tty");
  const options = {
    command: query.getAll("command"),
    stdin: flag(query, "input", "stdin"),
    stdout: flag(query, "output", "stdout"),
    stderr: flag(query, "error", "stderr") && !tty,
    tty,
  };
  if (!options.stdin && !options.stdout && !options.stderr)
    throw new StatusError("BadRequest", "you must specify at least 1 of stdin, stdout, stderr");
  return options;
}

/** Undefined for other paths. Throws BadRequest. */
export function parseKubeletRequest(url: URL): KubeletRequest | undefined {
  const [, kind, namespace, pod, third, fourth] = url.pathname.split("/").map(decodeURIComponent);
  if (!namespace || !pod) return undefined;
  const container = fourth ?? third ?? ""; // a pod's UID may precede the container
  const query = url.searchParams;
  switch (kind) {
    case "containerLogs":
      return { kind: "logs", namespace, pod, container, options: logOptions(query) };
    case "exec":
    case "attach":
      return { kind, namespace, pod, container, options: commandOptions(query) };
    case "portForward": {
      const texts = [...query.getAll("ports"), ...query.getAll("port")].flatMap((text) => text.split(","));
      const ports = texts.map(Number);
      if (ports.some((port) => !Number.isInteger(port) || port < 1 || port > 65535))
        throw new StatusError("BadRequest", `unable to parse "${texts.join(",")}" as ports`);
      return { kind: "portForward", namespace, pod, ports };
    }
    default:
      return undefined;
  }
}
