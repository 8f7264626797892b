/** The `wherry` command: runs the subcommand, and turns errors into a message and an exit code. */
import { type FlagSpec, flagHelp, parseFlags, UsageError } from "./flags.ts";
import type { Output, OwnCommand } from "./own-command.ts";

const commands: Record<string, () => Promise<{ command: OwnCommand }>> = {
  up: () => import("./commands/up.ts"),
  down: () => import("./commands/down.ts"),
  status: () => import("./commands/status.ts"),
  kubeconfig: () => import("./commands/kubeconfig.ts"),
  image: () => import("./commands/image.ts"),
  version: () => import("./commands/version.ts"),
  apiserver: async () => ({ command: (await import("./commands/one-part.ts")).apiserver }),
  "controller-manager": async () => ({ command: (await import("./commands/one-part.ts")).controllerManager }),
  scheduler: async () => ({ command: (await import("./commands/one-part.ts")).scheduler }),
  kubelet: async () => ({ command: (await import("./commands/one-part.ts")).kubelet }),
  proxy: async () => ({ command: (await import("./commands/one-part.ts")).proxy }),
  cri: async () => ({ command: (await import("./commands/one-part.ts")).cri }),
};

const help: FlagSpec = { long: "help", short: "h", type: "boolean", help: "this text" };

async function overview(): Promise<string> {
  const lines = await Promise.all(
    Object.entries(commands).map(
      async ([name, load]) => `  ${name.padEnd(20)}${(await load()).command.summary}\n`,
    ),
  );
  return `wherry: Kubernetes that one person can carry\n\nCommands:\n${lines.join("")}  ${"kubectl".padEnd(20)}A kubectl-compatible client for the cluster.\n\n'wherry COMMAND --help' tells more about one.\n`;
}

async function run(argv: readonly string[], io: Output, signal: AbortSignal): Promise<number> {
  const [name, ...rest] = argv;
  if (name === "kubectl") {
    const { kubectl } = await import("./kubectl/main.ts");
    return kubectl(rest, io, signal);
  }
  if (name === undefined || name === "help" || name === "--help" || name === "-h") {
    io.out(await overview());
    return name === undefined ? 2 : 0;
  }
  const load = commands[name === "--version" ? "version" : name];
  if (!load) throw new UsageError(`there is no command "${name}"`);
  const { command } = await load();
  const specs = [...command.flags, help];
  const parsed = parseFlags(rest, specs);
  if (parsed.flags.on("help")) {
    io.out(`${command.summary}\n\nUsage:\n  ${command.usage}\n\nFlags:\n${flagHelp(specs)}\n`);
    return 0;
  }
  return command.run(parsed, io, signal);
}

// Compile cache beside the bundle, for faster starts; nothing is written elsewhere.
const here = import.meta.dirname;
if (here.endsWith("/dist"))
  process.getBuiltinModule("node:module").enableCompileCache(`${here}/compile-cache`);

const interrupted = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.on(name, () => {
    // The second signal ends a command that ignores the first.
    if (interrupted.signal.aborted) process.exit(130);
    interrupted.abort(new Error("interrupted"));
  });
}
// A closed pipe (`| head`) ends the command silently.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
});

const io: Output = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
};

run(process.argv.slice(2), io, interrupted.signal).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    if (error instanceof UsageError) {
      io.err(`wherry: ${error.message}\n'wherry help' shows what there is\n`);
      process.exitCode = 2;
    } else if (interrupted.signal.aborted) {
      process.exitCode = 130;
    } else {
      io.err(`wherry: ${error instanceof Error ? error.message : String(error)}\n`);
      if (process.env["WHERRY_DEBUG"] && error instanceof Error) io.err(`${error.stack}\n`);
      process.exitCode = 1;
    }
  },
);
