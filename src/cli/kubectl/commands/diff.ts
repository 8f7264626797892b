import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { KubeObject } from "../../../api/index.ts";
import { isReason } from "../../../machinery/index.ts";
import { UsageError } from "../../flags.ts";
import { type Command, filenameFlags, selectorFlags } from "../command.ts";
import { pathOf } from "../mapper.ts";
import { readManifests } from "../manifests.ts";
import { objectPrinter } from "../print/object.ts";
import { targetOfObject } from "../targets.ts";
import { applyObject, lastApplied } from "./apply.ts";

export const command: Command = {
  summary: "Shows what apply would change. Exit code 1 when there is a difference.",
  usage: "diff -f FILE [flags]",
  flags: [
    ...filenameFlags,
    ...selectorFlags,
    { long: "server-side", type: "boolean", help: "let the server merge" },
  ],
  async run(context, { flags }) {
    const files = flags.list("filename");
    if (files.length === 0) throw new UsageError("must specify one of -f and -k");
    const yaml = objectPrinter("yaml", { managedFields: false });
    const folder = mkdtempSync(join(tmpdir(), "wherry-diff-"));
    try {
      for (const side of ["LIVE", "MERGED"]) mkdirSync(join(folder, side));
      for (const { object, source } of await readManifests(files, flags.on("recursive"))) {
        const { resource, namespace, name } = await targetOfObject(
          context.mapper,
          context.session,
          object,
          source,
        );
        const file = [resource.group, resource.version, resource.kind, namespace ?? "", name]
          .filter((part, at) => at > 0 || part !== "")
          .join(".");
        const live = await context.session
          .get<KubeObject>(pathOf(resource, namespace, name))
          .catch((error: unknown) => {
            if (isReason(error, "NotFound")) return undefined;
            throw error;
          });
        const merged = await applyObject(context, resource, namespace, object, {
          dryRun: "server",
          serverSide: flags.on("server-side"),
          forceConflicts: false,
          manager: undefined,
          validation: "Strict",
        });
        if (live)
          writeFileSync(join(folder, "LIVE", file), (await yaml?.(withoutLastApplied(live), resource)) ?? "");
        writeFileSync(
          join(folder, "MERGED", file),
          (await yaml?.(withoutLastApplied(merged.object), resource)) ?? "",
        );
      }
      const tool = process.env["KUBECTL_EXTERNAL_DIFF"] ?? "diff -u -N";
      const ran = spawnSync(
        "sh",
        ["-c", `${tool} "$1" "$2"`, "sh", join(folder, "LIVE"), join(folder, "MERGED")],
        {
          encoding: "utf8",
        },
      );
      context.io.out(ran.stdout);
      context.io.err(ran.stderr);
      return ran.status ?? 2;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

/** Removes the last-applied annotation, which is no difference of interest. */
function withoutLastApplied(object: KubeObject): KubeObject {
  const { [lastApplied]: noted, ...annotations } = object.metadata?.annotations ?? {};
  if (noted === undefined) return object;
  const { annotations: _, ...metadata } = object.metadata ?? {};
  return {
    ...object,
    metadata: { ...metadata, ...(Object.keys(annotations).length > 0 ? { annotations } : {}) },
  };
}
