import type { ClusterChoice } from "../../cluster/index.ts";
import type { Flags, FlagSpec } from "../flags.ts";

/** The cluster of a command. */
export const clusterFlags: readonly FlagSpec[] = [
  { long: "name", type: "string", help: 'the cluster\'s name, default "wherry"' },
  { long: "data-dir", type: "string", help: "its data directory" },
];

export const outputFlag: FlagSpec = {
  long: "output",
  short: "o",
  type: "string",
  help: "json",
};

export function choiceOf(flags: Flags): ClusterChoice {
  const name = flags.text("name");
  const dataDir = flags.text("data-dir");
  return { ...(name === undefined ? {} : { name }), ...(dataDir === undefined ? {} : { dataDir }) };
}
