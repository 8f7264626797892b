import type { KubeObject } from "../../../api/index.ts";
import { createThreeWayStrategicPatch, isReason, parseDuration } from "../../../machinery/index.ts";
import { createThreeWayMergePatch } from "../../../machinery/index.ts";
import { schemaLookupFor } from "../../../api/index.ts";
import { type Flags, UsageError } from "../../flags.ts";
import {
  type Command,
  type Context,
  type DryRun,
  dryRunFlags,
  dryRunNote,
  dryRunOf,
  fieldManagerFlags,
  filenameFlags,
  outputFlags,
  selectorFlags,
} from "../command.ts";
import { objectName, pathOf, type Resource } from "../mapper.ts";
import { fileOf, readManifests } from "../manifests.ts";
import { objectPrinter, sorted } from "../print/object.ts";
import { errorText } from "../error-text.ts";
import { objectsOf, targetOfObject, targetsOf } from "../targets.ts";

export const lastApplied = "kubectl.kubernetes.io/last-applied-configuration";

export const command: Command = {
  summary: "Makes the cluster have what files say: creates what is missing, changes what differs.",
  usage: "apply -f FILE [flags]",
  flags: [
    ...filenameFlags,
    ...selectorFlags,
    ...outputFlags,
    ...dryRunFlags,
    ...fieldManagerFlags,
    { long: "server-side", type: "boolean", help: "let the server merge (server-side apply)" },
    { long: "force-conflicts", type: "boolean", help: "with --server-side: take over fields of others" },
    { long: "force", type: "boolean", help: "delete and create again what cannot be changed" },
    { long: "overwrite", type: "boolean", help: "accepted for compatibility" },
    { long: "validate", type: "optional", implied: "strict", help: "strict, warn or ignore unknown fields" },
    { long: "prune", type: "boolean", help: "not supported: delete what left the files by name" },
    { long: "all", type: "boolean", help: "with --prune" },
    { long: "prune-allowlist", type: "list", help: "with --prune" },
    { long: "wait", type: "boolean", help: "accepted for compatibility" },
    { long: "timeout", type: "string", help: "accepted for compatibility" },
  ],
  async run(context, { flags, args }) {
    const [sub] = args;
    if (sub === "view-last-applied") return viewLastApplied(context, flags, args.slice(1));
    if (sub !== undefined) throw new UsageError(`Unexpected args: [${args.join(" ")}]`);
    if (flags.on("prune")) {
      throw new UsageError(
        "--prune is not supported: it may delete what it should not; delete what is gone from the files by name or label",
      );
    }
    const files = flags.list("filename");
    if (files.length === 0) throw new UsageError("must specify one of -f and -k");
    if (flags.has("timeout")) parseDuration(flags.text("timeout") ?? "");
    const { io } = context;
    const printer = objectPrinter(flags.text("output") ?? "", {
      managedFields: flags.on("show-managed-fields"),
    });
    const dryRun = dryRunOf(flags.text("dry-run"));
    const manifests = await readManifests(files, flags.on("recursive"));
    if (manifests.length === 0) throw new Error("no objects passed to apply");
    let failed = false;
    const applied: KubeObject[] = [];
    for (const { object, source } of manifests) {
      try {
        const { resource, namespace } = await targetOfObject(context.mapper, context.session, object, source);
        const name = object.metadata?.name;
        if (!name) throw new Error(`${source}: resource name may not be empty`);
        if (
          context.namespaceGiven &&
          object.metadata?.namespace &&
          object.metadata.namespace !== context.session.namespace &&
          resource.namespaced
        ) {
          throw new Error(
            `the namespace from the provided object "${object.metadata.namespace}" does not match the namespace "${context.session.namespace}". You must pass '--namespace=${object.metadata.namespace}' to perform this operation.`,
          );
        }
        const done = await applyObject(context, resource, namespace, object, {
          dryRun,
          serverSide: flags.on("server-side"),
          forceConflicts: flags.on("force-conflicts"),
          manager: flags.text("field-manager"),
          validation: validationOf(flags.text("validate")),
        });
        applied.push(done.object);
        if (!printer) io.out(`${objectName(resource, name)} ${done.verb}${dryRunNote[dryRun]}\n`);
        else if (flags.text("output") === "name") io.out(await printer(done.object, resource));
      } catch (error) {
        failed = true;
        io.err(`${errorText(error, `applying "${fileOf(source)}"`)}\n`);
      }
    }
    if (printer && flags.text("output") !== "name" && applied.length > 0) {
      io.out(
        await printer(
          applied.length === 1
            ? applied[0]
            : { apiVersion: "v1", kind: "List", metadata: {}, items: applied },
          undefined,
        ),
      );
    }
    return failed ? 1 : 0;
  },
};

export function validationOf(value: string | undefined): string {
  const named: Record<string, string> = {
    strict: "Strict",
    true: "Strict",
    warn: "Warn",
    ignore: "Ignore",
    false: "Ignore",
  };
  const found = named[(value ?? "strict").toLowerCase()];
  if (!found)
    throw new UsageError(
      `invalid - validate option "${value}"; must be one of: strict (or true), warn, ignore (or false)`,
    );
  return found;
}

interface ApplyOptions {
  dryRun: DryRun;
  serverSide: boolean;
  forceConflicts: boolean;
  manager: string | undefined;
  validation: string;
}

export interface Applied {
  verb: "created" | "configured" | "unchanged" | "serverside-applied";
  object: KubeObject;
}

/** One object: created, or updated with a three-way merge with the last applied configuration. */
export async function applyObject(
  context: Pick<Context, "session">,
  resource: Resource,
  namespace: string | undefined,
  manifest: KubeObject,
  options: ApplyOptions,
): Promise<Applied> {
  const { session } = context;
  const name = manifest.metadata?.name ?? "";
  const path = pathOf(resource, namespace, name);
  const query = {
    fieldManager: options.manager ?? (options.serverSide ? "kubectl" : "kubectl-client-side-apply"),
    fieldValidation: options.validation,
    ...(options.dryRun === "server" ? { dryRun: "All" } : {}),
  };
  if (options.serverSide) {
    const object = await session.call<KubeObject>("PATCH", path, {
      query: { ...query, force: options.forceConflicts },
      body: manifest,
      contentType: "application/apply-patch+yaml",
    });
    return { verb: "serverside-applied", object };
  }
  const modified = withLastApplied(manifest, namespace);
  let live: KubeObject;
  try {
    live = await session.get<KubeObject>(path);
  } catch (error) {
    if (!isReason(error, "NotFound")) throw error;
    if (options.dryRun === "client") return { verb: "created", object: modified };
    const object = await session.call<KubeObject>("POST", pathOf(resource, namespace), {
      query,
      body: modified,
    });
    return { verb: "created", object };
  }
  const before = live.metadata?.annotations?.[lastApplied];
  if (before === undefined && options.dryRun === "none") {
    session.io.err(
      `Warning: ${objectName(resource, name)} has no ${lastApplied} annotation, as it was not made by 'apply' or with --save-config. It is noted now; fields that the file does not name stay as they are.\n`,
    );
  }
  const original = before === undefined ? {} : (JSON.parse(before) as KubeObject);
  const lookup = schemaLookupFor(resource.group, resource.version, resource.kind);
  const patch = lookup
    ? createThreeWayStrategicPatch(original, modified, live, lookup)
    : createThreeWayMergePatch(original, modified, live);
  if (Object.keys(patch).length === 0) return { verb: "unchanged", object: live };
  if (options.dryRun === "client") return { verb: "configured", object: modified };
  const object = await session.call<KubeObject>("PATCH", path, {
    query,
    body: patch,
    contentType: lookup ? "application/strategic-merge-patch+json" : "application/merge-patch+json",
  });
  return {
    verb: object.metadata?.resourceVersion === live.metadata?.resourceVersion ? "unchanged" : "configured",
    object,
  };
}

/** The manifest with its namespace, and itself as the last-applied annotation. */
function withLastApplied(manifest: KubeObject, namespace: string | undefined): KubeObject {
  const { [lastApplied]: _, ...annotations } = manifest.metadata?.annotations ?? {};
  const metadata = { ...manifest.metadata, annotations, ...(namespace === undefined ? {} : { namespace }) };
  const plain = sorted({ ...manifest, metadata }) as KubeObject;
  return {
    ...plain,
    metadata: { ...metadata, annotations: { ...annotations, [lastApplied]: `${JSON.stringify(plain)}\n` } },
  };
}

async function viewLastApplied(context: Context, flags: Flags, args: readonly string[]): Promise<number> {
  const targets = await targetsOf(context.mapper, context.session, args, flags);
  const printer = objectPrinter(flags.text("output") ?? "yaml", { managedFields: true });
  for (const { object, resource, name } of await objectsOf(context.session, targets, flags)) {
    const noted = object.metadata?.annotations?.[lastApplied];
    if (noted === undefined) {
      throw new Error(`no last-applied-configuration annotation found on resource: ${name}`);
    }
    context.io.out((await printer?.(JSON.parse(noted), resource)) ?? "");
  }
  return 0;
}
