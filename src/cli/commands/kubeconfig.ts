import { kubeconfigText } from "../../cluster/index.ts";
import type { OwnCommand } from "../own-command.ts";
import { choiceOf, clusterFlags } from "./cluster-flags.ts";

export const command: OwnCommand = {
  summary: "Prints the kubeconfig of a cluster.",
  usage: "wherry kubeconfig [--name N]",
  flags: clusterFlags,
  run({ flags }, io) {
    io.out(kubeconfigText(choiceOf(flags)));
    return Promise.resolve(0);
  },
};
