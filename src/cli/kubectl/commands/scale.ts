import { UsageError } from "../../flags.ts";
import { type Command, dryRunFlags, dryRunNote, dryRunOf, filenameFlags, selectorFlags } from "../command.ts";
import { objectName, pathOf } from "../mapper.ts";
import { objectsOf, targetsOf } from "../targets.ts";

export const command: Command = {
  summary: "Sets the number of replicas of a Deployment, ReplicaSet, StatefulSet or other scalable object.",
  usage: "scale --replicas=COUNT (TYPE NAME | TYPE/NAME... | -f FILE) [flags]",
  flags: [
    ...filenameFlags,
    ...selectorFlags,
    ...dryRunFlags,
    { long: "replicas", type: "int", help: "the new count" },
    { long: "current-replicas", type: "int", help: "only when it has this many now" },
    { long: "resource-version", type: "string", help: "only when the object is at this version" },
    { long: "all", type: "boolean", help: "every object of the type in the namespace" },
    { long: "timeout", type: "string", help: "accepted for compatibility" },
  ],
  async run(context, { flags, args }) {
    const replicas = flags.int("replicas");
    if (replicas === undefined || replicas < 0) throw new UsageError('required flag(s) "replicas" not set');
    const targets = await targetsOf(context.mapper, context.session, args, flags);
    if (targets.length === 0)
      throw new UsageError(
        "one or more resources must be specified as <resource> <name> or <resource>/<name>",
      );
    const dryRun = dryRunOf(flags.text("dry-run"));
    for (const { resource, namespace, name } of await objectsOf(context.session, targets, flags)) {
      const path = pathOf(resource, namespace, name, "scale");
      const current = flags.int("current-replicas");
      if (current !== undefined) {
        const scale = await context.session.get<{ spec: { replicas?: number } }>(path);
        if ((scale.spec.replicas ?? 0) !== current) {
          throw new Error(`Expected replicas to be ${current}, was ${scale.spec.replicas ?? 0}`);
        }
      }
      if (dryRun !== "client") {
        const version = flags.text("resource-version");
        await context.session.call("PATCH", path, {
          query: dryRun === "server" ? { dryRun: "All" } : {},
          body: { spec: { replicas }, ...(version ? { metadata: { resourceVersion: version } } : {}) },
          contentType: "application/merge-patch+json",
        });
      }
      context.io.out(`${objectName(resource, name)} scaled${dryRunNote[dryRun]}\n`);
    }
    return 0;
  },
};
