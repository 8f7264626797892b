import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Every file kubectl would read, in order: those of KUBECONFIG, else ~/.kube/config. */
export function kubeconfigPaths(env: Environment = process.env): string[] {
  const named = (env["KUBECONFIG"] ?? "").split(delimiter).filter((path) => path !== "");
  return named.length > 0 ? [...new Set(named)] : [join(env["HOME"] ?? homedir(), ".kube", "config")];
}

/** Where kubectl would put a new entry: the only file named, else the first that exists, else the last one. */
export function kubeconfigTarget(env: Environment = process.env): string {
  const paths = kubeconfigPaths(env);
  return paths.find((path) => existsSync(path)) ?? paths.at(-1) ?? join(homedir(), ".kube", "config");
}
