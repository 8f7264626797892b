import { UsageError } from "../../flags.ts";
import type { Command } from "../command.ts";
import { containerOf, podOf } from "../pods.ts";
import { attachTo } from "../streams.ts";

export const command: Command = {
  summary: "Attaches to the main process of a container.",
  usage: "attach (POD | TYPE/NAME) [-c CONTAINER] [-it]",
  flags: [
    { long: "container", short: "c", type: "string", help: "the container" },
    { long: "stdin", short: "i", type: "boolean", help: "pass standard input" },
    { long: "tty", short: "t", type: "boolean", help: "with a terminal" },
    { long: "quiet", short: "q", type: "boolean", help: "no hints" },
    { long: "pod-running-timeout", type: "string", help: "accepted for compatibility" },
  ],
  async run(context, { flags, args }) {
    const [word] = args;
    if (!word) throw new UsageError("POD or TYPE/NAME is a required argument");
    const pod = await podOf(context, word);
    const container = containerOf(context, pod, flags.text("container"));
    if (flags.on("tty") && !flags.on("quiet"))
      context.io.err("If you don't see a command prompt, try pressing enter.\n");
    return attachTo(context, pod, container, { stdin: flags.on("stdin"), tty: flags.on("tty") });
  },
};
