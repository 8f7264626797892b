import type { KubeObject } from "../../../api/index.ts";
import { isReason } from "../../../machinery/index.ts";
import { UsageError } from "../../flags.ts";
import {
  type Command,
  type Context,
  dryRunFlags,
  dryRunNote,
  dryRunOf,
  filenameFlags,
  outputFlags,
  pause,
  selectorFlags,
} from "../command.ts";
import { errorText } from "../error-text.ts";
import { objectName, pathOf } from "../mapper.ts";
import { type Found, objectsOf, selectors, type Target, targetsOf } from "../targets.ts";

export const command: Command = {
  summary: "Deletes objects by name, by selector or as a file names them.",
  usage: "delete (TYPE NAME... | TYPE/NAME... | TYPE (-l SELECTOR | --all) | -f FILE) [flags]",
  flags: [
    ...filenameFlags,
    ...selectorFlags,
    ...outputFlags,
    ...dryRunFlags,
    { long: "all", type: "boolean", help: "every object of the type in the namespace" },
    { long: "cascade", type: "optional", implied: "background", help: "background, foreground or orphan" },
    { long: "force", type: "boolean", help: "do not wait for a graceful end" },
    { long: "grace-period", type: "int", help: "seconds to end gracefully; -1: the object's own" },
    { long: "now", type: "boolean", help: "grace period of one second" },
    { long: "ignore-not-found", type: "boolean", help: "nothing there is no error" },
    { long: "wait", type: "boolean", help: "wait until they are gone (default true)" },
    { long: "timeout", type: "string", help: "how long to wait, e.g. 30s" },
  ],
  async run(context, { flags, args }) {
    const { session, io } = context;
    const targets = await targetsOf(context.mapper, session, args, flags);
    if (targets.length === 0)
      throw new UsageError("You must provide one or more resources by argument or filename.");
    const byName = targets.every((target) => target.name !== undefined);
    if (!byName && !flags.on("all") && !selectors(flags).labelSelector && !selectors(flags).fieldSelector) {
      throw new UsageError("resource(s) were provided, but no name was specified");
    }
    const grace = flags.on("now") ? 1 : (flags.int("grace-period") ?? (flags.on("force") ? 0 : undefined));
    const dryRun = dryRunOf(flags.text("dry-run"));
    const cascade = flags.text("cascade") ?? "background";
    const propagation = { background: "Background", foreground: "Foreground", orphan: "Orphan" }[cascade];
    if (!propagation)
      throw new UsageError(
        `invalid cascade value (${cascade}). Must be "background", "foreground", or "orphan"`,
      );
    const options = {
      kind: "DeleteOptions",
      apiVersion: "v1",
      propagationPolicy: propagation,
      ...(grace !== undefined && grace >= 0 ? { gracePeriodSeconds: grace } : {}),
      ...(dryRun === "server" ? { dryRun: ["All"] } : {}),
    };
    if (flags.on("force") && grace === 0) {
      io.err(
        "Warning: Immediate deletion does not wait for confirmation that the running resource has been terminated. The resource may continue to run on the cluster indefinitely.\n",
      );
    }
    const found: (Found | Target)[] = byName ? targets : await objectsOf(session, targets, flags);
    if (found.length === 0) {
      io.out("No resources found\n");
      return 0;
    }
    let failed = false;
    const waiting: { target: Target; uid: string | undefined }[] = [];
    const short = flags.text("output") === "name";
    for (const target of found) {
      const name = target.name ?? "";
      try {
        const path = pathOf(target.resource, target.namespace, name);
        const answer =
          dryRun === "client"
            ? await session.get<KubeObject>(path)
            : await session.call<KubeObject & { details?: { uid?: string } }>("DELETE", path, {
                body: options,
              });
        const uid = answer.metadata?.uid ?? (answer as { details?: { uid?: string } }).details?.uid;
        const said = objectName(target.resource, name);
        const type = said.slice(0, said.indexOf("/"));
        const where = target.namespace === undefined ? "" : ` from ${target.namespace} namespace`;
        const forced = grace === 0 ? " force" : "";
        io.out(short ? `${said}\n` : `${type} "${name}"${forced} deleted${where}${dryRunNote[dryRun]}\n`);
        waiting.push({ target, uid });
      } catch (error) {
        if (flags.on("ignore-not-found") && isReason(error, "NotFound")) continue;
        failed = true;
        io.err(`${errorText(error)}\n`);
      }
    }
    if (dryRun === "none" && flags.on("wait", true)) await waitGone(context, waiting, flags.text("timeout"));
    return failed ? 1 : 0;
  },
};

/** Waits until each object is gone, or replaced by one with another UID. */
async function waitGone(
  context: Context,
  waiting: readonly { target: Target; uid: string | undefined }[],
  timeout: string | undefined,
): Promise<void> {
  const { parseDuration } = await import("../../../machinery/index.ts");
  const deadline =
    timeout && timeout !== "0s" ? performance.now() + parseDuration(timeout) : Number.POSITIVE_INFINITY;
  for (const { target, uid } of waiting) {
    for (let step = 20; !context.signal.aborted; step = Math.min(step * 1.5, 500)) {
      try {
        const path = pathOf(target.resource, target.namespace, target.name);
        const left = await context.session.get<KubeObject>(path);
        if (uid !== undefined && left.metadata?.uid !== uid) break;
      } catch (error) {
        if (isReason(error, "NotFound")) break;
        throw error;
      }
      if (performance.now() > deadline) {
        throw new Error(`timed out waiting for the condition on ${target.resource.plural}/${target.name}`);
      }
      await pause(step, context.signal);
    }
  }
}
