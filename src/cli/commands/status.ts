import { type ClusterStatus, status } from "../../cluster/index.ts";
import { UsageError } from "../flags.ts";
import { alignColumns } from "../kubectl/print/columns.ts";
import type { OwnCommand } from "../own-command.ts";
import { choiceOf, clusterFlags, outputFlag } from "./cluster-flags.ts";

export const command: OwnCommand = {
  summary: "Shows how a cluster is: parts, nodes, pods, addresses. Exit code 1 when it is not running well.",
  usage: "wherry status [--name N] [-o json]",
  flags: [...clusterFlags, outputFlag],
  async run({ flags }, io) {
    const format = flags.text("output");
    if (format !== undefined && format !== "json") throw new UsageError(`-o knows json, not "${format}"`);
    const found = await status(choiceOf(flags));
    io.out(format === "json" ? `${JSON.stringify(found, null, 2)}\n` : text(found));
    return found.state === "running" ? 0 : 1;
  },
};

function text(found: ClusterStatus): string {
  const rows = [
    ["cluster", found.name],
    ["state", found.state],
    ...(found.version ? [["version", found.version]] : []),
    ...(found.server ? [["server", found.server]] : []),
    ...(found.context ? [["context", found.context]] : []),
    ["data", found.dataDir],
    ...(found.log ? [["log", found.log]] : []),
    ...(found.simulated ? [["simulated", found.simulated]] : []),
    ...found.nodes.map((node) => [
      `node ${node.name}`,
      `${node.ready ? "Ready" : "NotReady"}, ${node.address}, ${node.kind}`,
    ]),
    ...(found.nodes.length > 0 ? [["pods", `${found.pods.ready} of ${found.pods.total} ready`]] : []),
    ...found.parts.map((part) => [
      part.name,
      `${part.healthy ? "ok" : `not well: ${part.message}`}${part.restarts > 0 ? ` (${part.restarts} restarts)` : ""}`,
    ]),
  ];
  return alignColumns(rows);
}
