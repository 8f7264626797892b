import {
  type ApiServerSettings,
  kubeconfigText,
  type LonePart,
  runApiServerAlone,
  runControllersAlone,
  runProxyAlone,
  runSchedulerAlone,
} from "../../cluster/index.ts";
import { kubeconfigTransport } from "../../client/index.ts";
import { createLogger, type Logger, logFormat, type LoggingFormat } from "../../machinery/index.ts";
import type { Flags, FlagSpec } from "../flags.ts";
import { UsageError } from "../flags.ts";
import type { Output, OwnCommand } from "../own-command.ts";
import { loggingFlags, loggingFormatOf } from "./logging-flags.ts";
import { apiServerFlags, apiServerSettings } from "./api-server-flags.ts";
import { signingFlags, signingOf } from "./signing-flags.ts";
import { choiceOf, clusterFlags } from "./cluster-flags.ts";

const connectionFlags: readonly FlagSpec[] = [
  { long: "kubeconfig", type: "string", help: "how to reach the API server, and as whom" },
  { long: "context", type: "string", help: "a context of the kubeconfig" },
];

const logTo = (io: Output, part: string, format: LoggingFormat): Logger =>
  createLogger((line) => io.err(line), Date.now, "info", logFormat(format, process.pid)).with({ part });

function client(
  part: string,
  summary: string,
  more: readonly FlagSpec[],
  run: (context: LonePart, flags: Flags) => Promise<void>,
): OwnCommand {
  return {
    summary,
    usage: `wherry ${part} --kubeconfig FILE${more.map((flag) => ` [--${flag.long} X]`).join("")}`,
    flags: [...connectionFlags, ...loggingFlags, ...more],
    async run({ flags, args }, io, signal) {
      if (args.length > 0) throw new UsageError(`${part} takes no arguments, got "${args.join(" ")}"`);
      const format = loggingFormatOf(flags) ?? "text";
      const { transport, connection } = await kubeconfigTransport(
        { kubeconfig: flags.text("kubeconfig"), context: flags.text("context") },
        process.env,
      );
      await transport.close();
      const log = logTo(io, part, format);
      log.info("started", { server: connection.server });
      await run({ connection, log, signal }, flags);
      log.info("stopped");
      return 0;
    },
  };
}

export const scheduler = client(
  "scheduler",
  "The scheduler alone, against the API server of a kubeconfig.",
  [
    {
      long: "scheduler-name",
      type: "string",
      help: "pods that name this scheduler, default default-scheduler",
    },
  ],
  (part, flags) => runSchedulerAlone(part, flags.text("scheduler-name")),
);

export const controllerManager = client(
  "controller-manager",
  "The controllers alone, against the API server of a kubeconfig.",
  [
    { long: "volume-dir", type: "string", help: "where the local provisioner makes volumes" },
    ...signingFlags,
  ],
  (part, flags) => {
    const volumeDir = flags.text("volume-dir");
    const signing = signingOf(flags);
    return runControllersAlone(part, {
      ...(volumeDir === undefined ? {} : { volumeDir }),
      ...(signing ? { signing } : {}),
    });
  },
);

export const proxy = client(
  "proxy",
  "Services and DNS of this node alone, against the API server of a kubeconfig.",
  [
    { long: "node-name", type: "string", help: "the node, default the host's name" },
    { long: "service-cidr", type: "list", help: "addresses of Services, when the API does not say" },
    { long: "table", type: "string", help: "nftables table, default wherry-proxy" },
  ],
  (part, flags) => {
    const nodeName = flags.text("node-name");
    const table = flags.text("table");
    const serviceCidrs = flags.list("service-cidr");
    return runProxyAlone(part, {
      ...(nodeName === undefined ? {} : { nodeName }),
      ...(table === undefined ? {} : { table }),
      ...(serviceCidrs.length === 0 ? {} : { serviceCidrs }),
    });
  },
);

export const apiserver: OwnCommand = {
  summary: "The API server and its store alone. Prints a kubeconfig for it when it answers.",
  usage:
    "wherry apiserver [--data-dir D] [--name N] [--api-port P] [--authentication-config F] [--authorization-config F] [--audit-policy-file F --audit-log-path F] [--encryption-provider-config F]",
  flags: [
    ...clusterFlags,
    { long: "api-port", type: "int", help: "port of the API server" },
    ...apiServerFlags,
  ],
  async run({ flags }, io, signal) {
    const settings: ApiServerSettings = { loggingFormat: "text", ...apiServerSettings(flags) };
    const log = logTo(io, "apiserver", settings.loggingFormat ?? "text");
    const choice = choiceOf(flags);
    const apiPort = flags.int("api-port");
    await runApiServerAlone({
      choice,
      settings,
      log,
      signal,
      ...(apiPort === undefined ? {} : { apiPort }),
      onReady(server) {
        log.info("answers", { server });
        io.out(kubeconfigText(choice));
      },
    });
    return 0;
  },
};

function notYet(part: string, summary: string, why: string): OwnCommand {
  return {
    summary: `${summary} (not by itself yet).`,
    usage: `wherry ${part}`,
    flags: [...connectionFlags, ...clusterFlags],
    async run(_, io) {
      io.err(`wherry: ${part} does not run by itself yet: ${why}\n'wherry up' runs it with the rest\n`);
      return 1;
    },
  };
}

export const kubelet = notYet(
  "kubelet",
  "The kubelet of this machine",
  "containers, images and network are set up by the process of the whole cluster",
);
export const cri = notYet("cri", "The container runtime behind CRI", "CRI is not served over gRPC yet");
