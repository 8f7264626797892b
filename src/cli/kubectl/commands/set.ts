import type { KubeObject, PodSpec } from "../../../api/index.ts";
import { UsageError } from "../../flags.ts";
import {
  type Command,
  dryRunFlags,
  dryRunNote,
  dryRunOf,
  filenameFlags,
  outputFlags,
  selectorFlags,
} from "../command.ts";
import { objectName, pathOf } from "../mapper.ts";
import { objectsOf, targetsOf } from "../targets.ts";

export const command: Command = {
  summary: "Sets images, environment variables or resources of a workload's containers.",
  usage:
    "set (image TYPE/NAME CONTAINER=IMAGE... | env TYPE/NAME KEY=VALUE... KEY-... | resources TYPE/NAME --limits=... --requests=...)",
  flags: [
    ...filenameFlags,
    ...selectorFlags,
    ...outputFlags,
    ...dryRunFlags,
    { long: "containers", short: "c", type: "string", help: "only this container (default all)" },
    { long: "limits", type: "string", help: "resources: cpu=1,memory=64Mi" },
    { long: "requests", type: "string", help: "resources: cpu=100m,memory=64Mi" },
    { long: "all", type: "boolean", help: "every object of the type in the namespace" },
  ],
  async run(context, { flags, args }) {
    const [sub = "", ...words] = args;
    const isChange = (word: string): boolean => word.includes("=") || (sub === "env" && word.endsWith("-"));
    const changes = words.filter(isChange);
    const targets = await targetsOf(
      context.mapper,
      context.session,
      words.filter((word) => !isChange(word)),
      flags,
    );
    if (targets.length === 0)
      throw new UsageError(
        "one or more resources must be specified as <resource> <name> or <resource>/<name>",
      );
    const dryRun = dryRunOf(flags.text("dry-run"));
    const wanted = flags.text("containers") ?? "*";
    for (const { resource, namespace, name, object } of await objectsOf(context.session, targets, flags)) {
      const isPod = resource.kind === "Pod";
      const spec = podSpecOf(object);
      const all = [...(spec.containers ?? []), ...(sub === "image" ? (spec.initContainers ?? []) : [])];
      const patches: Record<string, unknown>[] = [];
      if (sub === "image") {
        for (const change of changes) {
          const equals = change.indexOf("=");
          const container = change.slice(0, equals);
          const hits = all.filter((c) => container === "*" || c.name === container);
          if (hits.length === 0) throw new Error(`unable to find container named "${container}"`);
          for (const hit of hits) patches.push({ name: hit.name, image: change.slice(equals + 1) });
        }
      } else if (sub === "env") {
        const env = changes.map((change) =>
          change.endsWith("-") && !change.includes("=")
            ? { name: change.slice(0, -1), $patch: "delete" }
            : { name: change.slice(0, change.indexOf("=")), value: change.slice(change.indexOf("=") + 1) },
        );
        for (const c of all) if (wanted === "*" || c.name === wanted) patches.push({ name: c.name, env });
      } else if (sub === "resources") {
        const parse = (text: string | undefined): Record<string, string> | undefined =>
          text === undefined
            ? undefined
            : Object.fromEntries(text.split(",").map((pair) => pair.split("=", 2) as [string, string]));
        const resources = { limits: parse(flags.text("limits")), requests: parse(flags.text("requests")) };
        for (const c of all)
          if (wanted === "*" || c.name === wanted) patches.push({ name: c.name, resources });
      } else {
        throw new UsageError(`unknown command "set ${sub}": image, env or resources`);
      }
      const inits = new Set((spec.initContainers ?? []).map((c) => c.name));
      const podSpec = {
        containers: patches.filter((p) => !inits.has(String(p["name"]))),
        ...(patches.some((p) => inits.has(String(p["name"])))
          ? { initContainers: patches.filter((p) => inits.has(String(p["name"]))) }
          : {}),
      };
      let changed = true;
      if (dryRun !== "client") {
        const result = await context.session.call<KubeObject>("PATCH", pathOf(resource, namespace, name), {
          query: { fieldManager: "kubectl-set", ...(dryRun === "server" ? { dryRun: "All" } : {}) },
          body: isPod ? { spec: podSpec } : { spec: { template: { spec: podSpec } } },
          contentType: "application/strategic-merge-patch+json",
        });
        changed =
          result.metadata?.resourceVersion !== object.metadata?.resourceVersion || dryRun === "server";
      }
      const what =
        { image: "image updated", env: "env updated", resources: "resource requirements updated" }[sub] ?? "";
      if (changed) context.io.out(`${objectName(resource, name)} ${what}${dryRunNote[dryRun]}\n`);
    }
    return 0;
  },
};

function podSpecOf(object: KubeObject): Partial<PodSpec> {
  const { spec } = object as { spec?: PodSpec & { template?: { spec?: PodSpec } } };
  return spec?.template?.spec ?? spec ?? {};
}
