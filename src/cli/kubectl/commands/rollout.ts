import type { Deployment, PodTemplateSpec, ReplicaSet } from "../../../api/index.ts";
import { parseDuration, selectorFromObject } from "../../../machinery/index.ts";
import { type Flags, UsageError } from "../../flags.ts";
import {
  type Command,
  type Context,
  dryRunFlags,
  filenameFlags,
  outputFlags,
  selectorFlags,
} from "../command.ts";
import { templateText } from "../describe/template.ts";
import { objectName, pathOf, type Resource, resourceName } from "../mapper.ts";
import { alignColumns } from "../print/columns.ts";
import { lines } from "../session.ts";
import { type Found, objectsOf, targetsOf } from "../targets.ts";
import { rolloutProgress } from "../rollout-progress.ts";
import { lastApplied } from "./apply.ts";

export const revisionAnnotation = "deployment.kubernetes.io/revision";
const causeAnnotation = "kubernetes.io/change-cause";

export const command: Command = {
  summary: "Looks after the rollout of a Deployment, DaemonSet or StatefulSet.",
  usage: "rollout (status | history | undo | restart | pause | resume) (TYPE NAME | TYPE/NAME) [flags]",
  flags: [
    ...filenameFlags,
    ...selectorFlags,
    ...outputFlags,
    ...dryRunFlags,
    { long: "revision", type: "int", help: "history, status: this revision" },
    { long: "to-revision", type: "int", help: "undo: back to this revision; 0: the one before" },
    { long: "watch", short: "w", type: "boolean", help: "status: wait until it is done (default true)" },
    { long: "timeout", type: "string", help: "status: how long at most" },
  ],
  async run(context, { flags, args }) {
    const [sub = "", ...words] = args;
    const actions: Record<string, (context: Context, found: Found, flags: Flags) => Promise<number>> = {
      status,
      history,
      undo,
      restart,
      pause: (c, f) => setPaused(c, f, true),
      resume: (c, f) => setPaused(c, f, false),
    };
    const action = actions[sub];
    if (!action)
      throw new UsageError(
        `unknown command "rollout ${sub}": status, history, undo, restart, pause or resume`,
      );
    const targets = await targetsOf(context.mapper, context.session, words, flags);
    if (targets.length === 0) throw new UsageError("required resource not specified");
    let worst = 0;
    for (const found of await objectsOf(context.session, targets, flags)) {
      worst = Math.max(worst, await action(context, found, flags));
    }
    return worst;
  },
};

async function status(context: Context, found: Found, flags: Flags): Promise<number> {
  const { session, io } = context;
  const path = pathOf(found.resource, found.namespace);
  const fieldSelector = `metadata.name=${found.name}`;
  const timeout = flags.text("timeout");
  const timer = timeout && timeout !== "0s" ? AbortSignal.timeout(parseDuration(timeout)) : undefined;
  const signal = timer ? AbortSignal.any([context.signal, timer]) : context.signal;
  let said = "";
  const tell = (object: unknown): boolean => {
    const progress = rolloutProgress(found.resource.kind, object, flags.int("revision"));
    if (progress.text !== said) io.out(progress.text);
    said = progress.text;
    return progress.done;
  };
  try {
    for (;;) {
      const list = await session.call<{ metadata: { resourceVersion: string }; items: unknown[] }>(
        "GET",
        path,
        { query: { fieldSelector }, signal },
      );
      if (list.items.length === 0) throw new Error(`${objectName(found.resource, found.name)} was deleted`);
      if (tell(list.items[0]) || !flags.on("watch", true)) return 0;
      const response = await session.open("GET", path, {
        query: { fieldSelector, watch: true, resourceVersion: list.metadata.resourceVersion },
        signal,
      });
      for await (const line of lines(response.body)) {
        if (line === "") continue;
        const event = JSON.parse(line) as { type: string; object: unknown };
        if (event.type === "ERROR") break;
        if (event.type === "DELETED") throw new Error("object has been deleted");
        if (tell(event.object)) return 0;
      }
    }
  } catch (error) {
    if (timer?.aborted) throw new Error("timed out waiting for the condition");
    throw error;
  }
}

interface Revision {
  number: bigint;
  cause: string;
  template: PodTemplateSpec;
  name: string;
}

/** The revisions available for undo, oldest first. */
async function revisionsOf(context: Context, found: Found): Promise<Revision[]> {
  const { session, mapper } = context;
  const uid = found.object.metadata?.uid;
  const owned = (item: { metadata?: { ownerReferences?: { uid: string }[] } }): boolean =>
    item.metadata?.ownerReferences?.some((owner) => owner.uid === uid) ?? false;
  if (found.resource.kind === "Deployment") {
    const sets = await session.get<{ items: ReplicaSet[] }>(
      pathOf(await mapper.require("replicasets"), found.namespace),
    );
    const matcher = selectorFromObject((found.object as Deployment).spec?.selector ?? {});
    return sets.items
      .filter((set) => owned(set) && matcher.matches(set.metadata?.labels ?? {}))
      .map((set) => ({
        number: BigInt(set.metadata?.annotations?.[revisionAnnotation] ?? "0"),
        cause: set.metadata?.annotations?.[causeAnnotation] ?? "<none>",
        template: set.spec?.template ?? {},
        name: set.metadata?.name ?? "",
      }))
      .sort((a, b) => (a.number < b.number ? -1 : 1));
  }
  const history = await session.get<{
    items: {
      metadata: { name: string; annotations?: Record<string, string>; ownerReferences?: { uid: string }[] };
      revision: number;
      data?: { spec?: { template?: PodTemplateSpec } };
    }[];
  }>(pathOf(await mapper.require("controllerrevisions"), found.namespace));
  return history.items
    .filter(owned)
    .map((item) => ({
      number: BigInt(item.revision),
      cause: item.metadata.annotations?.[causeAnnotation] ?? "<none>",
      template: item.data?.spec?.template ?? {},
      name: item.metadata.name,
    }))
    .sort((a, b) => (a.number < b.number ? -1 : 1));
}

async function history(context: Context, found: Found, flags: Flags): Promise<number> {
  const revisions = await revisionsOf(context, found);
  const said = objectName(found.resource, found.name);
  const wanted = flags.int("revision");
  if (wanted !== undefined && wanted > 0) {
    const one = revisions.find((revision) => revision.number === BigInt(wanted));
    if (!one) throw new Error(`unable to find the specified revision`);
    context.io.out(`${said} with revision #${wanted}\n${templateText(one.template, 0)}\n`);
    return 0;
  }
  context.io.out(`${said} \n`);
  context.io.out(
    alignColumns([["REVISION", "CHANGE-CAUSE"], ...revisions.map((r) => [String(r.number), r.cause])], 2),
  );
  context.io.out("\n");
  return 0;
}

async function undo(context: Context, found: Found, flags: Flags): Promise<number> {
  const { io } = context;
  const said = objectName(found.resource, found.name);
  if ((found.object as Deployment).spec?.paused) {
    throw new Error(
      `you cannot rollback a paused ${said.split("/")[0]}; resume it first with 'kubectl rollout resume' and try again`,
    );
  }
  if (found.object.metadata?.annotations?.[lastApplied] !== undefined) {
    context.io.err(
      `Warning: ${found.resource.plural}/${found.name} was made by 'apply'; a rollback does not change what the next apply compares with (${lastApplied})\n`,
    );
  }
  const revisions = await revisionsOf(context, found);
  const wanted = flags.int("to-revision") ?? 0;
  if (wanted === 0 && revisions.length < 2)
    throw new Error(`no rollout history found for ${found.resource.singular} "${found.name}"`);
  const to =
    wanted === 0 ? revisions.at(-2) : revisions.find((revision) => revision.number === BigInt(wanted));
  if (!to) throw new Error(`unable to find specified revision ${wanted} in history`);
  const { "pod-template-hash": _, ...labels } = to.template.metadata?.labels ?? {};
  const template = { ...to.template, metadata: { ...to.template.metadata, labels } };
  const current = (found.object as Deployment).spec?.template;
  if (JSON.stringify(current) === JSON.stringify(template)) {
    io.out(`${said} skipped rollback (current template already matches revision ${to.number})\n`);
    return 0;
  }
  if (flags.has("dry-run")) {
    io.out(`${said} rolled back (dry run)\n`);
    return 0;
  }
  const operations: object[] = [{ op: "replace", path: "/spec/template", value: template }];
  if (to.cause !== "<none>") {
    operations.push({
      op: "add",
      path: "/metadata/annotations/kubernetes.io~1change-cause",
      value: to.cause,
    });
  }
  await patch(context, found.resource, found, operations, "application/json-patch+json");
  io.out(`${said} rolled back\n`);
  return 0;
}

async function restart(context: Context, found: Found): Promise<number> {
  if ((found.object as Deployment).spec?.paused) {
    throw new Error(
      `${resourceName(found.resource)} "${found.name}" can't restart paused deployment (run rollout resume first)`,
    );
  }
  const at = new Date().toISOString().replace(/\.\d+Z$/, "Z");
  const annotations = { "kubectl.kubernetes.io/restartedAt": at };
  await patch(
    context,
    found.resource,
    found,
    { spec: { template: { metadata: { annotations } } } },
    "application/merge-patch+json",
  );
  context.io.out(`${objectName(found.resource, found.name)} restarted\n`);
  return 0;
}

async function setPaused(context: Context, found: Found, paused: boolean): Promise<number> {
  if (found.resource.kind !== "Deployment")
    throw new Error(`${found.resource.plural} "${found.name}" pausing is not supported`);
  if (((found.object as Deployment).spec?.paused ?? false) === paused) {
    throw new Error(
      `${resourceName(found.resource)} "${found.name}" is ${paused ? "already paused" : "not paused"}`,
    );
  }
  await patch(
    context,
    found.resource,
    found,
    { spec: { paused: paused || null } },
    "application/merge-patch+json",
  );
  context.io.out(`${objectName(found.resource, found.name)} ${paused ? "paused" : "resumed"}\n`);
  return 0;
}

async function patch(
  context: Context,
  resource: Resource,
  found: Found,
  body: unknown,
  contentType: string,
): Promise<void> {
  const path = pathOf(resource, found.namespace, found.name);
  await context.session.call("PATCH", path, {
    query: { fieldManager: "kubectl-rollout" },
    body,
    contentType,
  });
}
