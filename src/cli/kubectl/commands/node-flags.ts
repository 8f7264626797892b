import type { Node } from "../../../api/index.ts";
import { UsageError } from "../../flags.ts";
import { type Command, dryRunFlags, dryRunNote, dryRunOf, selectorFlags } from "../command.ts";
import { pathOf } from "../mapper.ts";
import { objectsOf } from "../targets.ts";

/** `cordon` and `uncordon`: whether new pods may be scheduled to a node. */
export function schedulableCommand(verb: "cordon" | "uncordon", unschedulable: boolean): Command {
  return {
    summary: unschedulable ? "Keeps new pods off a node." : "Lets a node take new pods again.",
    usage: `${verb} NODE... [flags]`,
    flags: [...selectorFlags, ...dryRunFlags],
    async run(context, { flags, args }) {
      const resource = await context.mapper.require("nodes");
      if (args.length === 0 && !flags.has("selector")) throw new UsageError(`USAGE: ${verb} NODE [flags]`);
      const dryRun = dryRunOf(flags.text("dry-run"));
      const targets = (args.length === 0 ? [undefined] : args).map((name) => ({
        resource,
        namespace: undefined,
        name,
      }));
      for (const { name, object } of await objectsOf(context.session, targets, flags)) {
        const already = ((object as Node).spec?.unschedulable ?? false) === unschedulable;
        if (!already && dryRun !== "client") {
          await context.session.call("PATCH", pathOf(resource, undefined, name), {
            query: dryRun === "server" ? { dryRun: "All" } : {},
            body: { spec: { unschedulable: unschedulable || null } },
            contentType: "application/merge-patch+json",
          });
        }
        context.io.out(`node/${name} ${already ? "already " : ""}${verb}ed${dryRunNote[dryRun]}\n`);
      }
      return 0;
    },
  };
}
