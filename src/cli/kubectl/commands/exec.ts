import { UsageError } from "../../flags.ts";
import { type Command, filenameFlags } from "../command.ts";
import { containerOf, podOf } from "../pods.ts";
import { execIn } from "../streams.ts";

export const command: Command = {
  summary: "Runs a command in a container.",
  usage: "exec (POD | TYPE/NAME) [-c CONTAINER] [-it] -- COMMAND [ARG...]",
  flags: [
    ...filenameFlags,
    { long: "container", short: "c", type: "string", help: "the container" },
    { long: "stdin", short: "i", type: "boolean", help: "pass standard input" },
    { long: "tty", short: "t", type: "boolean", help: "with a terminal" },
    { long: "quiet", short: "q", type: "boolean", help: "accepted for compatibility" },
    { long: "pod-running-timeout", type: "string", help: "accepted for compatibility" },
  ],
  async run(context, { flags, args, rest }) {
    const [word, ...extra] = args;
    if (!word) throw new UsageError("pod, type/name or --filename must be specified");
    if (!rest && extra.length === 0)
      throw new UsageError("you must specify at least one command for the container");
    if (!rest || extra.length > 0) {
      throw new UsageError(
        "exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead",
      );
    }
    if (rest.length === 0) throw new UsageError("you must specify at least one command for the container");
    const pod = await podOf(context, word);
    const phase = pod.status?.phase;
    if (phase === "Succeeded" || phase === "Failed") {
      throw new Error(`cannot exec into a container in a completed pod; current phase is ${phase}`);
    }
    const container = containerOf(context, pod, flags.text("container"));
    return execIn(context, pod, container, rest, { stdin: flags.on("stdin"), tty: flags.on("tty") });
  },
};
