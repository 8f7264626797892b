import type { KubeObject, Node, Pod } from "../../../api/index.ts";
import { isReason, parseDuration } from "../../../machinery/index.ts";
import { type Flags, UsageError } from "../../flags.ts";
import { type Command, type Context, dryRunFlags, dryRunNote, dryRunOf, pause } from "../command.ts";
import { errorText } from "../error-text.ts";
import { pathOf, type Resource } from "../mapper.ts";
import { objectsOf } from "../targets.ts";

const retryMs = 5000;

export const command: Command = {
  summary: "Empties a node for maintenance: no new pods, and those it has are evicted.",
  usage: "drain NODE... [--ignore-daemonsets] [--delete-emptydir-data] [--force] [flags]",
  flags: [
    ...dryRunFlags,
    { long: "selector", short: "l", type: "string", help: "label selector of the nodes" },
    { long: "pod-selector", type: "string", help: "only these pods" },
    { long: "ignore-daemonsets", type: "boolean", help: "leave pods of DaemonSets alone" },
    { long: "delete-emptydir-data", type: "boolean", help: "also pods whose emptyDir data is lost" },
    { long: "force", type: "boolean", help: "also pods that nothing will make anew" },
    { long: "disable-eviction", type: "boolean", help: "delete, past PodDisruptionBudgets" },
    { long: "grace-period", type: "int", help: "seconds to end gracefully; -1: the pod's own" },
    { long: "timeout", type: "string", help: "how long at most; 0s: no limit" },
    { long: "skip-wait-for-delete-timeout", type: "int", help: "accepted for compatibility" },
    { long: "chunk-size", type: "int", help: "accepted for compatibility" },
  ],
  async run(context, { flags, args }) {
    if (args.length === 0 && !flags.has("selector")) {
      throw new UsageError("USAGE: drain NODE [flags]\nSee 'kubectl drain -h' for help and examples");
    }
    const nodes = await context.mapper.require("nodes");
    const targets = (args.length === 0 ? [undefined] : args).map((name) => ({
      resource: nodes,
      namespace: undefined,
      name,
    }));
    const found = await objectsOf(context.session, targets, flags);
    const note = dryRunNote[dryRunOf(flags.text("dry-run"))];
    for (const { name, object } of found) await cordon(context, nodes, name, object, flags, note);
    for (const { name } of found) {
      await drain(context, name, flags, note);
      context.io.out(`node/${name} drained${note}\n`);
    }
    return 0;
  },
};

async function cordon(
  { session, io }: Context,
  nodes: Resource,
  name: string,
  node: Node,
  flags: Flags,
  note: string,
): Promise<void> {
  const already = node.spec?.unschedulable === true;
  const dryRun = dryRunOf(flags.text("dry-run"));
  if (!already && dryRun !== "client") {
    await session.call("PATCH", pathOf(nodes, undefined, name), {
      query: dryRun === "server" ? { dryRun: "All" } : {},
      body: { spec: { unschedulable: true } },
      contentType: "application/merge-patch+json",
    });
  }
  io.out(`node/${name} ${already ? "already " : ""}cordoned${note}\n`);
}

async function drain(context: Context, node: string, flags: Flags, note: string): Promise<void> {
  const { session, io } = context;
  const list = await session.get<{ items: Pod[] }>("/api/v1/pods", {
    fieldSelector: `spec.nodeName=${node}`,
    labelSelector: flags.text("pod-selector"),
  });
  const { pods, warnings, problems } = choose(list.items, flags);
  if (problems.length > 0) {
    const text = problems.length === 1 ? (problems[0] ?? "") : `[${problems.join(", ")}]`;
    io.err(`error: unable to drain node "${node}" due to error: ${text}, continuing command...\n`);
    io.err(`There are pending nodes to be drained:\n ${node}\n`);
    throw new Error(problems.join("\n"));
  }
  if (warnings.length > 0) io.err(`Warning: ${warnings.join("; ")}\n`);
  const dryRun = dryRunOf(flags.text("dry-run"));
  for (const { metadata } of pods) io.out(`evicting pod ${metadata?.namespace}/${metadata?.name}${note}\n`);
  if (dryRun === "client") return;
  const timeout = flags.text("timeout");
  const limit = timeout && !/^0/.test(timeout) ? AbortSignal.timeout(parseDuration(timeout)) : undefined;
  const signal = limit ? AbortSignal.any([context.signal, limit]) : context.signal;
  try {
    await Promise.all(
      pods.map(async (pod) => {
        const evicted = await evict(context, pod, flags, signal);
        if (dryRun === "none") await gone(context, pod, signal);
        io.out(`pod/${pod.metadata?.name} ${evicted ? "evicted" : "deleted"}${note}\n`);
      }),
    );
  } catch (error) {
    if (limit?.aborted) throw new Error(`global timeout reached: ${timeout}`);
    throw error;
  }
}

/** The pods to remove, and what prevents the drain. */
function choose(all: readonly Pod[], flags: Flags): { pods: Pod[]; warnings: string[]; problems: string[] } {
  const rules = [
    {
      flag: "ignore-daemonsets",
      keep: true,
      no: "cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore)",
      yes: "ignoring DaemonSet-managed Pods",
    },
    {
      flag: "delete-emptydir-data",
      keep: false,
      no: "cannot delete Pods with local storage (use --delete-emptydir-data to override)",
      yes: "deleting Pods with local storage",
    },
    {
      flag: "force",
      keep: false,
      no: "cannot delete Pods that declare no controller (use --force to override)",
      yes: "deleting Pods that declare no controller",
    },
  ] as const;
  const hits = rules.map((): string[] => []);
  const pods: Pod[] = [];
  for (const pod of all) {
    if (pod.metadata?.annotations?.["kubernetes.io/config.mirror"] !== undefined) continue;
    const owner = pod.metadata?.ownerReferences?.find((reference) => reference.controller);
    const done = pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";
    const rule =
      owner?.kind === "DaemonSet" && !done
        ? 0
        : !done && pod.spec?.volumes?.some((volume) => volume.emptyDir)
          ? 1
          : !done && !owner
            ? 2
            : undefined;
    if (rule !== undefined) hits[rule]?.push(`${pod.metadata?.namespace}/${pod.metadata?.name}`);
    if (rule === undefined || !rules[rule]?.keep) pods.push(pod);
  }
  const warnings: string[] = [];
  const problems: string[] = [];
  rules.forEach((rule, at) => {
    const names = hits[at]?.join(", ");
    if (!names) return;
    if (flags.on(rule.flag)) warnings.push(`${rule.yes}: ${names}`);
    else problems.push(`${rule.no}: ${names}`);
  });
  return { pods, warnings, problems };
}

const podPath = (pod: Pod): string =>
  `/api/v1/namespaces/${pod.metadata?.namespace}/pods/${pod.metadata?.name}`;

/** False when the pod was deleted, since evictions are unsupported or disabled. */
async function evict(
  { session, io }: Context,
  pod: Pod,
  flags: Flags,
  signal: AbortSignal,
): Promise<boolean> {
  const { name = "", namespace = "" } = pod.metadata ?? {};
  const grace = flags.int("grace-period") ?? -1;
  const deleteOptions = {
    ...(grace >= 0 ? { gracePeriodSeconds: grace } : {}),
    ...(dryRunOf(flags.text("dry-run")) === "server" ? { dryRun: ["All"] } : {}),
  };
  const remove = async (): Promise<false> => {
    await session.call("DELETE", podPath(pod), { body: deleteOptions, signal }).catch(unlessGone);
    return false;
  };
  if (flags.on("disable-eviction")) return remove();
  const body = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name, namespace }, deleteOptions };
  for (;;) {
    try {
      await session.call("POST", `${podPath(pod)}/eviction`, { body, signal });
      return true;
    } catch (error) {
      if (isReason(error, "NotFound")) return (await exists(session, pod)) ? remove() : true;
      if (!isReason(error, "TooManyRequests")) throw error;
      io.err(
        `error when evicting pods/"${name}" -n "${namespace}" (will retry after 5s): ${errorText(error).replace(/^Error from server \(\w+\): /, "")}\n`,
      );
      await pause(retryMs, signal);
      signal.throwIfAborted();
    }
  }
}

function unlessGone(error: unknown): void {
  if (!isReason(error, "NotFound")) throw error;
}

async function exists(session: Context["session"], pod: Pod): Promise<boolean> {
  try {
    const now = await session.get<KubeObject>(podPath(pod));
    return now.metadata?.uid === pod.metadata?.uid;
  } catch (error) {
    unlessGone(error);
    return false;
  }
}

async function gone({ session }: Context, pod: Pod, signal: AbortSignal): Promise<void> {
  for (let step = 20; await exists(session, pod); step = Math.min(step * 1.5, 500)) {
    await pause(step, signal);
    signal.throwIfAborted();
  }
}
