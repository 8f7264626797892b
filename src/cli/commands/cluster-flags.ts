import type { ClusterChoice } from "../../cluster/index.ts";
import type { Flags, FlagSpec } from "../flags.ts";

/** Which cluster a command is about. */
export const clusterFlags: readonly FlagSpec[] = [
  { long: "name", type: "string", help: 'the cluster\'s name, default "wherry"' },
  { long: "data-dir", type: "string", help: "where its data is kept" },
];

export const outputFlag: FlagSpec = {
  long: "output",
  short: "o",
  type: "string",
  help: "json, for programs",
};

export function choiceOf(flags: Flags): ClusterChoice {
  const name = flags.text("name");
  const dataDir = flags.text("data-dir");
  return { ...(name === undefined ? {} : { name }), ...(dataDir === undefined ? {} : { dataDir }) };
}
