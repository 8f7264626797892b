/** The API server's credentials for webhooks: users of a kubeconfig, by host name. */
import { readFileSync } from "node:fs";
import { dirname, isAbsolute, resolve } from "node:path";
import { isObject, parseYamlDocuments } from "../../machinery/index.ts";
import { expectKind, onlyFields } from "../admission/config/admission-configuration.ts";

export interface WebhookCredentials {
  headers: Readonly<Record<string, string | readonly string[]>>;
  /** PEM. */
  cert?: string | undefined;
  key?: string | undefined;
}

/** `target`: host and port. Undefined: no credentials. Throws when a file cannot be read. */
export type CredentialsFor = (target: string) => WebhookCredentials | undefined;

/** Reads a WebhookAdmissionConfiguration. Throws an Error when it is invalid or its kubeconfig cannot be read. */
export function webhookCredentials(value: unknown): CredentialsFor | undefined {
  if (value === undefined) return undefined;
  const document = (isObject(value) ? value : {}) as Record<string, unknown>;
  const kind = document["kind"] === "WebhookAdmission" ? "WebhookAdmission" : "WebhookAdmissionConfiguration";
  expectKind(document, ["apiserver.config.k8s.io/v1", "apiserver.config.k8s.io/v1alpha1"], kind);
  onlyFields(document, "", ["kubeConfigFile"]);
  const path = String(document["kubeConfigFile"] ?? "");
  if (path === "") return undefined;
  if (!isAbsolute(path))
    throw new Error(`kubeConfigFile: Invalid value: ${JSON.stringify(path)}: must be an absolute file path`);
  return credentialsOf(parseYamlDocuments(readFileSync(path, "utf8"), path)[0]?.value, dirname(path));
}

/** `dir`: base of relative paths in the kubeconfig. */
export function credentialsOf(kubeconfig: unknown, dir: string): CredentialsFor {
  const users = new Map<string, User>();
  const config = (kubeconfig ?? {}) as Kubeconfig;
  for (const { name = "", user } of config.users ?? []) users.set(name, user ?? {});
  const current = config.contexts?.find(({ name }) => name === config["current-context"])?.context?.user;
  return (target) => {
    const [, host] = /^(.*):443$/.exec(target) ?? [];
    const names = [...namesOf(target), ...(host === undefined ? [] : namesOf(host)), "*", current ?? ""];
    const found = names.find((name) => users.has(name));
    return found === undefined ? undefined : readUser(users.get(found) as User, dir);
  };
}

/** The host, and wildcards for its parent domains. */
function namesOf(target: string): string[] {
  const steps = target.split(".");
  return [target, ...steps.slice(1).map((_, i) => `*.${steps.slice(i + 1).join(".")}`)];
}

interface Kubeconfig {
  users?: { name?: string; user?: User }[];
  contexts?: { name?: string; context?: { user?: string } }[];
  "current-context"?: string;
}

type User = Partial<
  Record<
    | "token"
    | "tokenFile"
    | "username"
    | "password"
    | "client-certificate"
    | "client-certificate-data"
    | "client-key"
    | "client-key-data"
    | "as"
    | "as-uid",
    string
  > & { "as-groups": string[] }
>;

function readUser(user: User, dir: string): WebhookCredentials {
  const text = (path: string): string => readFileSync(resolve(dir, path), "utf8");
  const data = (name: "client-certificate" | "client-key"): string | undefined => {
    const inline = user[`${name}-data`];
    if (inline) return Buffer.from(inline, "base64").toString();
    const path = user[name];
    return path ? text(path) : undefined;
  };
  const token = user.token || (user.tokenFile ? text(user.tokenFile).trim() : "");
  const basic =
    user.username || user.password
      ? `Basic ${Buffer.from(`${user.username ?? ""}:${user.password ?? ""}`).toString("base64")}`
      : undefined;
  const authorization = token ? `Bearer ${token}` : basic;
  return {
    headers: {
      ...(authorization ? { authorization } : {}),
      ...(user.as ? { "impersonate-user": user.as } : {}),
      ...(user["as-uid"] ? { "impersonate-uid": user["as-uid"] } : {}),
      ...(user["as-groups"]?.length ? { "impersonate-group": user["as-groups"] } : {}),
    },
    cert: data("client-certificate"),
    key: data("client-key"),
  };
}
