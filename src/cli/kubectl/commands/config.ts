import { loadKubeconfig, saveCurrentContext } from "../../../client/index.ts";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { type Flags, UsageError } from "../../flags.ts";
import type { Command } from "../command.ts";
import { objectPrinter } from "../print/object.ts";
import type { Output } from "../session.ts";
import { alignColumns } from "../print/columns.ts";

export const command: Command = {
  summary: "Shows and changes the kubeconfig.",
  usage:
    "config (view | current-context | get-contexts | get-clusters | get-users | use-context NAME | set-context (NAME | --current) [--namespace N] [--cluster C] [--user U])",
  flags: [
    { long: "raw", type: "boolean", help: "view: also certificates and tokens" },
    { long: "minify", type: "boolean", help: "view: only what the current context uses" },
    { long: "current", type: "boolean", help: "set-context: the current one" },
    { long: "output", short: "o", type: "string", help: "get-contexts: name" },
  ],
  async run({ io }, { flags, args }) {
    const config = loadKubeconfig(process.env, flags.text("kubeconfig"));
    const [sub, name] = args;
    switch (sub) {
      case "view":
        io.out(await objectText(flags.text("output") ?? "yaml", flags.on("raw") ? config : redacted(config)));
        return 0;
      case "current-context":
        if (!config["current-context"]) throw new Error("current-context is not set");
        io.out(`${config["current-context"]}\n`);
        return 0;
      case "get-contexts": {
        const rows = (config.contexts ?? []).map(
          ({ name: context, context: { cluster, user, namespace } }) => [
            context === config["current-context"] ? "*" : "",
            context,
            cluster,
            user,
            namespace ?? "",
          ],
        );
        if (flags.text("output") === "name") io.out(rows.map((row) => `${row[1]}\n`).join(""));
        else io.out(alignColumns([["CURRENT", "NAME", "CLUSTER", "AUTHINFO", "NAMESPACE"], ...rows]));
        return 0;
      }
      case "use-context":
        if (!name) throw new UsageError("config use-context NAME");
        if (!config.contexts?.some((context) => context.name === name))
          throw new Error(`no context exists with the name: "${name}"`);
        saveCurrentContext(process.env, name, flags.text("kubeconfig"));
        io.out(`Switched to context "${name}".\n`);
        return 0;
      case "set-context":
        return setContext(io, flags, name);
      case "get-clusters":
      case "get-users": {
        const list = sub === "get-users" ? config.users : config.clusters;
        io.out(["NAME", ...(list ?? []).map((one) => one.name)].map((line) => `${line}\n`).join(""));
        return 0;
      }
      default:
        throw new UsageError(
          `unknown command "config ${sub ?? ""}": view, current-context, get-contexts, use-context, set-context, get-clusters or get-users`,
        );
    }
  },
};

async function objectText(format: string, config: unknown): Promise<string> {
  const printer = objectPrinter(format, { managedFields: true });
  if (!printer) throw new UsageError(`config view -o knows yaml, json and jsonpath=..., not "${format}"`);
  return printer(config, undefined);
}

/** Changes the namespace, cluster or user of a context in its file, or adds one; keeps comments. */
async function setContext(io: Output, flags: Flags, named: string | undefined): Promise<number> {
  const path = flags.text("kubeconfig");
  const current = loadKubeconfig(process.env, path)["current-context"];
  const name = flags.on("current") ? current : named;
  if (!name) throw new UsageError("config set-context (NAME | --current) [--namespace N]");
  const { isMap, isSeq, parseDocument, YAMLSeq } = await import("yaml");
  const files = path ? [path] : (process.env["KUBECONFIG"] ?? join(homedir(), ".kube", "config")).split(":");
  const documents = files
    .filter((file) => existsSync(file))
    .map((file) => ({ file, document: parseDocument(readFileSync(file, "utf8")) }));
  for (const { file, document } of documents) {
    const contexts = document.get("contexts");
    if (!isSeq(contexts)) continue;
    const at = contexts.items.findIndex((item) => isMap(item) && item.get("name") === name);
    if (at < 0) continue;
    for (const key of ["namespace", "cluster", "user"]) {
      const value = flags.text(key);
      if (value !== undefined) document.setIn(["contexts", at, "context", key], value);
    }
    writeFileSync(file, document.toString({ lineWidth: 0 }), { mode: 0o600 });
    io.out(`Context "${name}" modified.\n`);
    return 0;
  }
  const [first] = documents;
  if (!first) throw new Error("there is no kubeconfig to write to");
  const keys = ["namespace", "cluster", "user"] as const;
  const context = Object.fromEntries(keys.flatMap((key) => (flags.has(key) ? [[key, flags.text(key)]] : [])));
  if (!isSeq(first.document.get("contexts"))) first.document.set("contexts", new YAMLSeq());
  first.document.addIn(["contexts"], { name, context });
  writeFileSync(first.file, first.document.toString({ lineWidth: 0 }), { mode: 0o600 });
  io.out(`Context "${name}" created.\n`);
  return 0;
}

/** Hides keys, certificates and tokens. */
function redacted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(redacted);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      if (key === "certificate-authority-data" || key === "client-certificate-data")
        return [key, "DATA+OMITTED"];
      if (key === "client-key-data") return [key, "DATA+OMITTED"];
      if (key === "token" || key === "password") return [key, "REDACTED"];
      return [key, redacted(inner)];
    }),
  );
}
