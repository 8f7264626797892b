import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, isAbsolute, join } from "node:path";
import type { Document } from "yaml";
import type { Kubeconfig } from "./kubeconfig.ts";
import { parsePlainYaml } from "./plain-yaml.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** The files that kubectl would read, in order; a file given explicitly is the only one. */
export function kubeconfigFiles(env: Environment, path?: string): string[] {
  if (path) return [path];
  const named = (env["KUBECONFIG"] ?? "").split(delimiter).filter((each) => each !== "");
  return named.length > 0 ? [...new Set(named)] : [join(env["HOME"] ?? homedir(), ".kube", "config")];
}

/**
 * Merges all files: the first definition of a cluster, user, context or current-context has priority. Relative paths are
 * resolved against their own file. A file given explicitly must exist, others may be missing.
 */
export function loadKubeconfig(env: Environment, path?: string): Kubeconfig {
  const merged: Required<Pick<Kubeconfig, "clusters" | "users" | "contexts">> & Kubeconfig = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [],
    users: [],
    contexts: [],
  };
  for (const file of kubeconfigFiles(env, path)) {
    if (!path && !existsSync(file)) continue;
    const config = readKubeconfig(file);
    const absolute = (value: string | undefined): string | undefined =>
      value === undefined || value === "" || isAbsolute(value) ? value : join(dirname(file), value);
    for (const each of config.clusters ?? []) {
      if (merged.clusters.some((other) => other.name === each.name)) continue;
      merged.clusters.push({
        name: each.name,
        cluster: withPaths(each.cluster, ["certificate-authority"], absolute),
      });
    }
    for (const each of config.users ?? []) {
      if (merged.users.some((other) => other.name === each.name)) continue;
      merged.users.push({
        name: each.name,
        user: withPaths(each.user, ["client-certificate", "client-key", "tokenFile"], absolute),
      });
    }
    for (const each of config.contexts ?? []) {
      if (!merged.contexts.some((other) => other.name === each.name)) merged.contexts.push(each);
    }
    if (!merged["current-context"] && config["current-context"]) {
      merged["current-context"] = config["current-context"];
    }
  }
  return merged;
}

/** Writes current-context in the file that sets it now, else in the one with the context; keeps comments. */
export function saveCurrentContext(env: Environment, name: string, path?: string): void {
  const files = kubeconfigFiles(env, path).filter((file) => existsSync(file));
  const target =
    files.find((file) => Boolean(readKubeconfig(file)["current-context"])) ??
    files.find((file) => readKubeconfig(file).contexts?.some((each) => each.name === name)) ??
    files[0];
  if (!target) throw new Error("there is no kubeconfig to write to");
  const document = parseDocument(readFileSync(target, "utf8"));
  document.set("current-context", name);
  writeFileSync(target, document.toString(), { mode: 0o600 });
}

/** The full parser is loaded on demand: by the bundler's `require` in a bundle, by Node's elsewhere. */
function parseDocument(text: string): Document {
  let yaml: typeof import("yaml");
  try {
    yaml = require("yaml") as typeof import("yaml");
  } catch (cause) {
    if (!(cause instanceof ReferenceError)) throw cause;
    const { createRequire } = process.getBuiltinModule("node:module");
    yaml = createRequire(import.meta.url)("yaml") as typeof import("yaml");
  }
  return yaml.parseDocument(text);
}

function readKubeconfig(file: string): Kubeconfig {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw new Error(`cannot read the kubeconfig ${file}: ${(cause as Error).message}`, { cause });
  }
  // JSON, which is faster to parse than YAML, is allowed, too.
  if (text.trimStart().startsWith("{")) {
    try {
      return JSON.parse(text) as Kubeconfig;
    } catch {
      // Flow-style YAML.
    }
  }
  const plain = parsePlainYaml(text);
  if (plain !== undefined) return plain;
  const document = parseDocument(text);
  const problem = document.errors[0];
  if (problem) throw new Error(`${file} is not valid YAML: ${problem.message}`);
  const value: unknown = document.toJS();
  if (value === null || value === undefined) return {};
  if (typeof value !== "object" || Array.isArray(value)) throw new Error(`${file} is not a kubeconfig`);
  return value as Kubeconfig;
}

function withPaths<T extends object>(
  value: T | undefined,
  names: readonly (keyof T)[],
  absolute: (path: string | undefined) => string | undefined,
): T {
  const copy = { ...value } as T;
  for (const name of names) {
    const path = copy[name];
    if (typeof path === "string") copy[name] = absolute(path) as T[keyof T];
  }
  return copy;
}
