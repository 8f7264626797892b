import { readFileSync } from "node:fs";
import type { KubeObject } from "../../../api/index.ts";
import { parseYamlDocuments } from "../../../machinery/index.ts";
import { UsageError } from "../../flags.ts";
import {
  type Command,
  dryRunFlags,
  dryRunNote,
  dryRunOf,
  fieldManagerFlags,
  filenameFlags,
  outputFlags,
} from "../command.ts";
import { objectName, pathOf } from "../mapper.ts";
import { objectPrinter } from "../print/object.ts";
import { targetsOf } from "../targets.ts";

const contentTypes: Record<string, string> = {
  strategic: "application/strategic-merge-patch+json",
  merge: "application/merge-patch+json",
  json: "application/json-patch+json",
};

export const command: Command = {
  summary: "Changes fields of an object.",
  usage:
    "patch (TYPE NAME | TYPE/NAME | -f FILE) [-p PATCH | --patch-file FILE] [--type strategic|merge|json] [flags]",
  flags: [
    ...filenameFlags,
    ...outputFlags,
    ...dryRunFlags,
    ...fieldManagerFlags,
    { long: "patch", short: "p", type: "string", help: "the patch, JSON or YAML" },
    { long: "patch-file", type: "string", help: "a file with the patch" },
    { long: "type", type: "string", help: "strategic (default), merge or json" },
    { long: "subresource", type: "string", help: "status, scale or another subresource" },
  ],
  async run(context, { flags, args }) {
    const type = flags.text("type") ?? "strategic";
    const contentType = contentTypes[type];
    if (!contentType) throw new UsageError(`--type must be one of [json merge strategic], not "${type}"`);
    const file = flags.text("patch-file");
    const text = file === undefined ? flags.text("patch") : readFileSync(file, "utf8");
    if (text === undefined)
      throw new UsageError("must specify --patch or --patch-file containing the contents of the patch");
    const body = parseYamlDocuments(text, file ?? "--patch")[0]?.value;
    const targets = await targetsOf(context.mapper, context.session, args, flags);
    if (targets.length === 0)
      throw new UsageError(
        "one or more resources must be specified as <resource> <name> or <resource>/<name>",
      );
    const dryRun = dryRunOf(flags.text("dry-run"));
    const printer = objectPrinter(flags.text("output") ?? "", {
      managedFields: flags.on("show-managed-fields"),
    });
    for (const { resource, namespace, name } of targets) {
      if (name === undefined) throw new UsageError("resource(s) were provided, but no name was specified");
      const path = pathOf(resource, namespace, name, flags.text("subresource"));
      const before = await context.session.get<KubeObject>(pathOf(resource, namespace, name));
      const after =
        dryRun === "client"
          ? before
          : await context.session.call<KubeObject>("PATCH", path, {
              query: {
                fieldManager: flags.text("field-manager") ?? "kubectl-patch",
                ...(dryRun === "server" ? { dryRun: "All" } : {}),
              },
              body,
              contentType,
            });
      const changed =
        before.metadata?.resourceVersion !== after.metadata?.resourceVersion || dryRun !== "none";
      const word = changed ? "patched" : "patched (no change)";
      context.io.out(
        printer
          ? await printer(after, resource)
          : `${flags.has("subresource") ? `${(after.kind ?? "").toLowerCase()}.${(after.apiVersion ?? "").split("/")[0]}/${name}` : objectName(resource, name)} ${word}${dryRunNote[dryRun]}\n`,
      );
    }
    return 0;
  },
};
