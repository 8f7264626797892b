import { down } from "../../cluster/index.ts";
import type { OwnCommand } from "../own-command.ts";
import { progressTo } from "../progress.ts";
import { choiceOf, clusterFlags } from "./cluster-flags.ts";

export const command: OwnCommand = {
  summary: "Stops a cluster; with --purge removes every trace of it.",
  usage: "wherry down [--name N] [--data-dir D] [--purge]",
  flags: [...clusterFlags, { long: "purge", type: "boolean", help: "also remove its data" }],
  async run({ flags }, io) {
    const purge = flags.on("purge");
    const progress = progressTo(io, () => performance.now());
    const done = await down({ ...choiceOf(flags), purge, onProgress: progress });
    if (!done.found) io.err(`there is no cluster "${done.name}"\n`);
    else
      io.out(
        `cluster "${done.name}" ${purge ? "removed" : "stopped; its data stays ('wherry up' starts it again)"}\n`,
      );
    return 0;
  },
};
