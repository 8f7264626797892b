import { loadKubeconfig, saveCurrentContext } from "../../../client/index.ts";
import { formatYaml } from "../../../machinery/index.ts";
import { UsageError } from "../../flags.ts";
import type { Command } from "../command.ts";
import { alignColumns } from "../print/columns.ts";

export const command: Command = {
  summary: "Shows and changes the kubeconfig.",
  usage: "config (view | current-context | get-contexts | use-context NAME)",
  flags: [
    { long: "raw", type: "boolean", help: "view: also certificates and tokens" },
    { long: "minify", type: "boolean", help: "view: only what the current context uses" },
    { long: "output", short: "o", type: "string", help: "get-contexts: name" },
  ],
  async run({ io }, { flags, args }) {
    const config = loadKubeconfig(process.env, flags.text("kubeconfig"));
    const [sub, name] = args;
    switch (sub) {
      case "view":
        io.out(formatYaml(flags.on("raw") ? config : redacted(config)));
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
      default:
        throw new UsageError(
          `unknown command "config ${sub ?? ""}": view, current-context, get-contexts or use-context`,
        );
    }
  },
};

/** Keys, certificates and tokens do not belong on a screen. */
function redacted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(redacted);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      if (key === "certificate-authority-data" || key === "client-certificate-data")
        return [key, "DATA+OMITTED"];
      if (key === "client-key-data" || key === "token" || key === "password") return [key, "REDACTED"];
      return [key, redacted(inner)];
    }),
  );
}
