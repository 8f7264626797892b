import type { Node, Taint } from "../../../api/index.ts";
import { UsageError } from "../../flags.ts";
import { type Command, selectorFlags } from "../command.ts";
import { pathOf } from "../mapper.ts";
import { objectsOf } from "../targets.ts";

export const command: Command = {
  summary: "Sets or removes taints of nodes.",
  usage: "taint nodes NAME... KEY[=VALUE]:EFFECT... KEY[:EFFECT]-... [flags]",
  flags: [
    ...selectorFlags,
    { long: "overwrite", type: "boolean", help: "change taints that are there" },
    { long: "all", type: "boolean", help: "all nodes" },
  ],
  async run(context, { flags, args }) {
    const [type = "", ...words] = args;
    const resource = await context.mapper.require(type.split("/")[0] ?? "");
    if (resource.plural !== "nodes")
      throw new UsageError(`invalid resource type ${type}, only node(s) is supported`);
    const specs = words.filter((word) => /[:=]|-$/.test(word));
    const names = [
      ...(type.includes("/") ? [type.split("/")[1] ?? ""] : []),
      ...words.filter((word) => !specs.includes(word)),
    ];
    if (specs.length === 0) throw new UsageError("at least one taint update is required");
    const targets = (names.length === 0 ? [undefined] : names).map((name) => ({
      resource,
      namespace: undefined,
      name,
    }));
    for (const { name, object } of await objectsOf(context.session, targets, flags)) {
      let taints: Taint[] = [...((object as Node).spec?.taints ?? [])];
      let word = "tainted";
      for (const spec of specs) {
        if (spec.endsWith("-")) {
          const [key, effect] = spec.slice(0, -1).split(":");
          const kept = taints.filter(
            (taint) => taint.key !== key || (effect !== undefined && taint.effect !== effect),
          );
          if (kept.length === taints.length) throw new Error(`taint "${spec.slice(0, -1)}" not found`);
          taints = kept;
          word = "untainted";
          continue;
        }
        const parsed = /^([^=:]+)(?:=([^:]*))?:(NoSchedule|PreferNoSchedule|NoExecute)$/.exec(spec);
        if (!parsed) throw new UsageError(`invalid taint spec: ${spec}`);
        const [, key = "", value, effect = ""] = parsed;
        const old = taints.find((taint) => taint.key === key && taint.effect === effect);
        if (old && !flags.on("overwrite")) {
          throw new Error(
            `node ${name} already has ${key} taint(s) with same effect(s) and --overwrite is false`,
          );
        }
        taints = [...taints.filter((taint) => taint !== old), { key, effect, ...(value ? { value } : {}) }];
      }
      await context.session.call("PATCH", pathOf(resource, undefined, name), {
        body: {
          spec: { taints: taints.length > 0 ? taints : null },
          metadata: { resourceVersion: object.metadata?.resourceVersion },
        },
        contentType: "application/merge-patch+json",
      });
      context.io.out(`node/${name} ${word}\n`);
    }
    return 0;
  },
};
