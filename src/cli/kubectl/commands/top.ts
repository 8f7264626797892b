import { UsageError } from "../../flags.ts";
import { type Command, selectorFlags } from "../command.ts";

export const command: Command = {
  summary: "Shows what nodes and pods use, when a metrics server is installed.",
  usage: "top (node | pod) [NAME]",
  flags: [
    ...selectorFlags,
    { long: "containers", type: "boolean", help: "each container of a pod" },
    { long: "sort-by", type: "string", help: "cpu or memory" },
    { long: "no-headers", type: "boolean", help: "no header line" },
    { long: "sum", type: "boolean", help: "with a last line of sums" },
    { long: "show-capacity", type: "boolean", help: "against capacity, not allocatable" },
    { long: "use-protocol-buffers", type: "boolean", help: "accepted for compatibility" },
  ],
  async run(context, { args }) {
    const [what = ""] = args;
    if (!/^(nodes?|no|pods?|po)$/.test(what)) throw new UsageError("top wants node or pod");
    const { groups } = await context.session.get<{ groups: { name: string }[] }>("/apis");
    const served = groups.some((group) => group.name === "metrics.k8s.io");
    throw new Error(
      served ? "the Metrics API is there, but top does not read it yet" : "Metrics API not available",
    );
  },
};
