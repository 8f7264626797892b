import type { Node, Pod } from "../../../api/index.ts";
import {
  addQuantity,
  formatQuantity,
  milliValue,
  parseQuantity,
  quantityValue,
} from "../../../machinery/index.ts";
import { ageText, timeText, Writer } from "./writer.ts";

export function describeNode(
  node: Node,
  pods: readonly Pod[],
  lease: { renewTime?: string; holderIdentity?: string } | undefined,
): Writer {
  const out = new Writer();
  const { metadata = {}, spec, status } = node;
  const roles = Object.keys(metadata.labels ?? {})
    .filter((label) => label.startsWith("node-role.kubernetes.io/"))
    .map((label) => label.slice("node-role.kubernetes.io/".length));
  out.field(0, "Name", metadata.name).field(0, "Roles", roles.join(",") || "<none>");
  out.map(0, "Labels", metadata.labels).map(0, "Annotations", metadata.annotations, ": ");
  out.field(0, "CreationTimestamp", timeText(metadata.creationTimestamp));
  out.field(
    0,
    "Taints",
    (spec?.taints ?? []).map((t) => `${t.key}${t.value ? `=${t.value}` : ""}:${t.effect}`).join("\n") ||
      "<none>",
  );
  out.field(0, "Unschedulable", String(spec?.unschedulable ?? false));
  out.line(0, "Lease:");
  out.field(1, "HolderIdentity", lease?.holderIdentity ?? "<unset>").field(1, "AcquireTime", "<unset>");
  out.field(1, "RenewTime", timeText(lease?.renewTime));
  if (status?.conditions?.length) {
    out.line(0, "Conditions:");
    out.line(1, "Type", "Status", "LastHeartbeatTime", "LastTransitionTime", "Reason", "Message");
    out.line(1, "----", "------", "-----------------", "------------------", "------", "-------");
    for (const c of status.conditions) {
      out.line(
        1,
        // kubectl ends these cells with a space.
        `${c.type} `,
        `${c.status} `,
        `${timeText(c.lastHeartbeatTime)} `,
        `${timeText(c.lastTransitionTime)} `,
        `${c.reason ?? ""} `,
        c.message ?? "",
      );
    }
  }
  out.line(0, "Addresses:");
  for (const address of status?.addresses ?? []) out.field(1, address.type, address.address);
  for (const [label, amounts] of [
    ["Capacity", status?.capacity],
    ["Allocatable", status?.allocatable],
  ] as const) {
    out.line(0, `${label}:`);
    for (const [name, amount] of Object.entries(amounts ?? {}).sort()) out.field(1, name, String(amount));
  }
  const info = status?.nodeInfo;
  if (info) {
    out.line(0, "System Info:");
    for (const [label, value] of [
      ["Machine ID", info.machineID],
      ["System UUID", info.systemUUID],
      ["Boot ID", info.bootID],
      ["Kernel Version", info.kernelVersion],
      ["OS Image", info.osImage],
      ["Operating System", info.operatingSystem],
      ["Architecture", info.architecture],
      ["Container Runtime Version", info.containerRuntimeVersion],
      ["Kubelet Version", info.kubeletVersion],
    ] as const) {
      out.field(1, label, value);
    }
  }
  if (spec?.podCIDR)
    out.field(0, "PodCIDR", spec.podCIDR).field(0, "PodCIDRs", (spec.podCIDRs ?? []).join(","));
  writePods(
    out,
    node,
    pods.filter((pod) => !["Succeeded", "Failed"].includes(pod.status?.phase ?? "")),
  );
  return out;
}

const resources = ["cpu", "memory", "ephemeral-storage"] as const;

/** A pod's resources: the sum of its containers, or the largest init container if that is more. */
function podAmount(
  pod: Pod,
  list: "requests" | "limits",
  resource: string,
): ReturnType<typeof parseQuantity> {
  const amount = (container: {
    resources?: { requests?: Record<string, string>; limits?: Record<string, string> };
  }): string => container.resources?.[list]?.[resource] ?? "0";
  let sum = parseQuantity("0");
  for (const container of pod.spec?.containers ?? [])
    sum = addQuantity(sum, parseQuantity(amount(container)));
  for (const container of pod.spec?.initContainers ?? []) {
    const one = parseQuantity(amount(container));
    if (milliValue(formatQuantity(one)) > milliValue(formatQuantity(sum))) sum = one;
  }
  return sum;
}

function share(amount: ReturnType<typeof parseQuantity>, total: string | undefined): string {
  const text = formatQuantity(amount);
  const whole = total === undefined ? 0 : milliValue(total);
  const percent = whole === 0 ? 0 : Math.floor((milliValue(text) * 100) / whole);
  return `${text} (${percent}%)`;
}

function writePods(out: Writer, node: Node, pods: readonly Pod[]): void {
  const total = node.status?.allocatable ?? {};
  out.line(0, `Non-terminated Pods:`, `(${pods.length} in total)`);
  out.line(
    1,
    "Namespace",
    "Name",
    "",
    "CPU Requests",
    "CPU Limits",
    "Memory Requests",
    "Memory Limits",
    "Age",
  );
  out.line(
    1,
    "---------",
    "----",
    "",
    "------------",
    "----------",
    "---------------",
    "-------------",
    "---",
  );
  for (const pod of pods) {
    out.line(
      1,
      pod.metadata?.namespace ?? "",
      pod.metadata?.name ?? "",
      "",
      share(podAmount(pod, "requests", "cpu"), total["cpu"]),
      share(podAmount(pod, "limits", "cpu"), total["cpu"]),
      share(podAmount(pod, "requests", "memory"), total["memory"]),
      share(podAmount(pod, "limits", "memory"), total["memory"]),
      ageText(pod.metadata?.creationTimestamp),
    );
  }
  out.line(0, "Allocated resources:");
  out.line(1, "(Total limits may be over 100 percent, i.e., overcommitted.)");
  out.line(1, "Resource", "Requests", "Limits");
  out.line(1, "--------", "--------", "------");
  for (const resource of [
    ...resources,
    ...Object.keys(total)
      .filter((name) => name.startsWith("hugepages-"))
      .sort(),
  ]) {
    const sum = (list: "requests" | "limits"): string => {
      let all = parseQuantity("0");
      for (const pod of pods) all = addQuantity(all, podAmount(pod, list, resource));
      return quantityValue(formatQuantity(all)) === 0 ? "0 (0%)" : share(all, total[resource]);
    };
    out.line(1, resource, sum("requests"), sum("limits"));
  }
}
