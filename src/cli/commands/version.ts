import type { OwnCommand } from "../own-command.ts";

export const command: OwnCommand = {
  summary: "Shows the version.",
  usage: "wherry version",
  flags: [],
  run(_parsed, io) {
    io.out(`wherry 0.1.0 (Kubernetes v1.36, Node ${process.version})\n`);
    return Promise.resolve(0);
  },
};
