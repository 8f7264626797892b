import type { KubeObject } from "../../../api/index.ts";
import { UsageError } from "../../flags.ts";
import {
  type Command,
  dryRunFlags,
  dryRunNote,
  dryRunOf,
  fieldManagerFlags,
  filenameFlags,
  outputFlags,
  pause,
} from "../command.ts";
import { isReason } from "../../../machinery/index.ts";
import { objectName, pathOf } from "../mapper.ts";
import { readManifests } from "../manifests.ts";
import { objectPrinter } from "../print/object.ts";
import { targetOfObject } from "../targets.ts";
import { validationOf } from "./apply.ts";

export const command: Command = {
  summary: "Replaces objects by what files say.",
  usage: "replace -f FILE [flags]",
  flags: [
    ...filenameFlags,
    ...outputFlags,
    ...dryRunFlags,
    ...fieldManagerFlags,
    { long: "force", type: "boolean", help: "delete first, then create" },
    { long: "grace-period", type: "int", help: "with --force: seconds to end gracefully" },
    { long: "validate", type: "optional", implied: "strict", help: "strict, warn or ignore unknown fields" },
    { long: "subresource", type: "string", help: "status, scale or another subresource" },
  ],
  async run(context, { flags }) {
    const files = flags.list("filename");
    if (files.length === 0) throw new UsageError("must specify one of -f and -k");
    const dryRun = dryRunOf(flags.text("dry-run"));
    const printer = objectPrinter(flags.text("output") ?? "", { managedFields: false });
    const query = {
      fieldManager: flags.text("field-manager") ?? "kubectl-replace",
      fieldValidation: validationOf(flags.text("validate")),
      ...(dryRun === "server" ? { dryRun: "All" } : {}),
    };
    for (const { object, source } of await readManifests(files, flags.on("recursive"))) {
      const { resource, namespace, name } = await targetOfObject(
        context.mapper,
        context.session,
        object,
        source,
      );
      const path = pathOf(resource, namespace, name, flags.text("subresource"));
      let result: KubeObject = object;
      if (dryRun !== "client" && flags.on("force")) {
        const grace = flags.int("grace-period") ?? 0;
        await context.session.call("DELETE", path, {
          body: { gracePeriodSeconds: grace, propagationPolicy: "Background" },
        });
        const said = objectName(resource, name ?? "");
        const type = said.slice(0, said.indexOf("/"));
        context.io.out(
          `${type} "${name}" deleted${namespace === undefined ? "" : ` from ${namespace} namespace`}\n`,
        );
        await gone(() => context.session.get(path), context.signal);
        result = await context.session.call<KubeObject>("POST", pathOf(resource, namespace), {
          query,
          body: object,
        });
      } else if (dryRun !== "client") {
        result = await context.session.call<KubeObject>("PUT", path, { query, body: object });
      }
      context.io.out(
        printer
          ? await printer(result, resource)
          : `${objectName(resource, name ?? "")} replaced${dryRunNote[dryRun]}\n`,
      );
    }
    return 0;
  },
};

async function gone(get: () => Promise<unknown>, signal: AbortSignal): Promise<void> {
  for (let step = 20; !signal.aborted; step = Math.min(step * 1.5, 500)) {
    try {
      await get();
    } catch (error) {
      if (isReason(error, "NotFound")) return;
      throw error;
    }
    await pause(step, signal);
  }
}
