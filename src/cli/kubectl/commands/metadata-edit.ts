import type { KubeObject } from "../../../api/index.ts";
import { type FlagSpec, UsageError } from "../../flags.ts";
import {
  type Command,
  dryRunFlags,
  dryRunNote,
  dryRunOf,
  fieldManagerFlags,
  filenameFlags,
  outputFlags,
  selectorFlags,
} from "../command.ts";
import { objectName, pathOf } from "../mapper.ts";
import { objectPrinter } from "../print/object.ts";
import { objectsOf, targetsOf } from "../targets.ts";

const flags: readonly FlagSpec[] = [
  ...filenameFlags,
  ...selectorFlags,
  ...outputFlags,
  ...dryRunFlags,
  ...fieldManagerFlags,
  { long: "all", type: "boolean", help: "every object of the type in the namespace" },
  { long: "overwrite", type: "boolean", help: "change keys that have another value" },
  { long: "list", type: "boolean", help: "show what is set" },
  { long: "resource-version", type: "string", help: "only when the object is at this version" },
];

/** `label` and `annotate`: the same verb for two maps of the metadata. */
export function metadataCommand(field: "labels" | "annotations", verb: string, done: string): Command {
  return {
    summary: `Sets or removes ${field} of objects.`,
    usage: `${verb} (TYPE NAME | TYPE/NAME | -f FILE) KEY=VALUE... KEY-... [flags]`,
    flags,
    async run(context, parsed) {
      const pairs = parsed.args.filter((arg) => /^[^=/]+(\/[^=]+)?(=|.*-$)/.test(arg) && /=|-$/.test(arg));
      const words = parsed.args.filter((arg) => !pairs.includes(arg));
      const changes = new Map<string, string | null>();
      for (const pair of pairs) {
        const equals = pair.indexOf("=");
        if (equals > 0) changes.set(pair.slice(0, equals), pair.slice(equals + 1));
        else changes.set(pair.slice(0, -1), null);
      }
      const listing = parsed.flags.on("list");
      if (changes.size === 0 && !listing) throw new UsageError(`at least one ${verb} update is required`);
      const targets = await targetsOf(context.mapper, context.session, words, parsed.flags);
      if (targets.length === 0)
        throw new UsageError(
          "one or more resources must be specified as <resource> <name> or <resource>/<name>",
        );
      const dryRun = dryRunOf(parsed.flags.text("dry-run"));
      const printer = objectPrinter(parsed.flags.text("output") ?? "", { managedFields: false });
      for (const { resource, namespace, name, object } of await objectsOf(
        context.session,
        targets,
        parsed.flags,
      )) {
        const said = objectName(resource, name);
        const before = object.metadata?.[field] ?? {};
        if (listing) {
          for (const [key, value] of Object.entries(before)) context.io.out(`${key}=${value}\n`);
          continue;
        }
        if (!parsed.flags.on("overwrite")) refuseOverwrites(before, changes, field);
        if (field === "labels" && !printer) {
          for (const [key, value] of changes)
            if (value === null && !(key in before)) context.io.out(`label "${key}" not found.\n`);
        }
        const changed = [...changes].some(([key, value]) => (before[key] ?? null) !== value);
        const version = parsed.flags.text("resource-version");
        const patch = {
          metadata: {
            [field]: Object.fromEntries(changes),
            ...(version ? { resourceVersion: version } : {}),
          },
        };
        let result: KubeObject = object;
        if (dryRun !== "client") {
          result = await context.session.call<KubeObject>("PATCH", pathOf(resource, namespace, name), {
            query: {
              fieldManager: parsed.flags.text("field-manager") ?? `kubectl-${verb}`,
              ...(dryRun === "server" ? { dryRun: "All" } : {}),
            },
            body: patch,
            contentType: "application/merge-patch+json",
          });
        }
        const removed = [...changes.values()].every((value) => value === null);
        const word =
          !changed && field === "labels" ? "not labeled" : removed && field === "labels" ? "unlabeled" : done;
        context.io.out(printer ? await printer(result, resource) : `${said} ${word}${dryRunNote[dryRun]}\n`);
      }
      return 0;
    },
  };
}

function refuseOverwrites(
  before: Readonly<Record<string, string>>,
  changes: ReadonlyMap<string, string | null>,
  field: string,
): void {
  for (const [key, value] of changes) {
    const old = before[key];
    if (value === null || old === undefined || old === value) continue;
    throw new Error(
      field === "labels"
        ? `'${key}' already has a value (${old}), and --overwrite is false`
        : `--overwrite is false but found the following declared annotation(s): '${key}' already has a value (${old})`,
    );
  }
}
