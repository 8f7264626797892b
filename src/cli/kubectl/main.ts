import { kubeconfigTransport } from "../../client/index.ts";
import { parseDuration } from "../../machinery/index.ts";
import { type FlagSpec, flagHelp, type Parsed, parseFlags, UsageError } from "../flags.ts";
import { type Command, namespaceFlags } from "./command.ts";
import { errorText } from "./error-text.ts";
import { Mapper } from "./mapper.ts";
import { type Output, Session } from "./session.ts";

/** Verbs by name, loaded on demand to start fast. */
const verbs: Record<string, () => Promise<{ command: Command }>> = {
  annotate: () => import("./commands/annotate.ts"),
  "api-resources": () => import("./commands/api-resources.ts"),
  "api-versions": () => import("./commands/api-versions.ts"),
  apply: () => import("./commands/apply.ts"),
  attach: () => import("./commands/attach.ts"),
  autoscale: () => import("./commands/autoscale.ts"),
  auth: () => import("./commands/auth.ts"),
  "cluster-info": () => import("./commands/cluster-info.ts"),
  config: () => import("./commands/config.ts"),
  cp: () => import("./commands/cp.ts"),
  cordon: () => import("./commands/cordon.ts"),
  create: () => import("./commands/create.ts"),
  delete: () => import("./commands/delete.ts"),
  describe: () => import("./commands/describe.ts"),
  diff: () => import("./commands/diff.ts"),
  drain: () => import("./commands/drain.ts"),
  edit: () => import("./commands/edit.ts"),
  events: () => import("./commands/events.ts"),
  exec: () => import("./commands/exec.ts"),
  explain: () => import("./commands/explain.ts"),
  expose: () => import("./commands/expose.ts"),
  get: () => import("./commands/get.ts"),
  label: () => import("./commands/label.ts"),
  logs: () => import("./commands/logs.ts"),
  patch: () => import("./commands/patch.ts"),
  "port-forward": () => import("./commands/port-forward.ts"),
  replace: () => import("./commands/replace.ts"),
  rollout: () => import("./commands/rollout.ts"),
  run: () => import("./commands/run.ts"),
  scale: () => import("./commands/scale.ts"),
  set: () => import("./commands/set.ts"),
  taint: () => import("./commands/taint.ts"),
  top: () => import("./commands/top.ts"),
  uncordon: () => import("./commands/uncordon.ts"),
  version: () => import("./commands/version.ts"),
  wait: () => import("./commands/wait.ts"),
};

const globalFlags: readonly FlagSpec[] = [
  ...namespaceFlags,
  { long: "kubeconfig", type: "string", help: "path of the kubeconfig" },
  { long: "context", type: "string", help: "the context to use" },
  { long: "cluster", type: "string", help: "the kubeconfig's cluster to use" },
  { long: "user", type: "string", help: "the kubeconfig's user to use" },
  { long: "server", short: "s", type: "string", help: "address of the API server" },
  { long: "token", type: "string", help: "bearer token" },
  { long: "as", type: "string", help: "user to impersonate" },
  { long: "as-group", type: "list", help: "group to impersonate" },
  { long: "request-timeout", type: "string", help: "how long one request may take, e.g. 5s" },
  { long: "v", short: "v", type: "string", help: "accepted for compatibility" },
  { long: "warnings-as-errors", type: "boolean", help: "accepted for compatibility" },
  { long: "help", short: "h", type: "boolean", help: "this text" },
];

/** Runs `wherry kubectl ARGV`; returns the exit code. */
export async function kubectl(argv: readonly string[], io: Output, signal: AbortSignal): Promise<number> {
  try {
    return await dispatch(argv, io, signal);
  } catch (error) {
    if (signal.aborted) return 130;
    io.err(`${errorText(error)}\n`);
    return 1;
  }
}

async function dispatch(argv: readonly string[], io: Output, signal: AbortSignal): Promise<number> {
  const { name, before, after } = splitVerb(argv);
  if (name === undefined || name === "help") {
    io.out(overview());
    return 0;
  }
  const load = verbs[name];
  if (!load)
    throw new UsageError(
      `unknown command "${name}" for "kubectl"\nRun 'wherry kubectl help' for what there is`,
    );
  const { command } = await load();
  const own = new Set(command.flags.map((flag) => flag.long));
  const ownShort = new Set(command.flags.flatMap((flag) => (flag.short ? [flag.short] : [])));
  const specs = [
    ...command.flags,
    ...globalFlags
      .filter((flag) => !own.has(flag.long))
      .map((flag) => (flag.short && ownShort.has(flag.short) ? { ...flag, short: "" } : flag)),
  ];
  const parsed = parseWords(name, [...before, ...after], specs, command);
  if (parsed.flags.on("help")) {
    io.out(`${command.summary}\n\nUsage:\n  wherry kubectl ${command.usage}\n\nFlags:\n${flagHelp(specs)}\n`);
    return 0;
  }
  const { flags } = parsed;
  const given = {
    kubeconfig: flags.text("kubeconfig"),
    context: flags.text("context"),
    cluster: flags.text("cluster"),
    user: flags.text("user"),
    server: flags.text("server"),
    token: flags.text("token"),
    impersonate: flags.text("as"),
    impersonateGroups: flags.list("as-group"),
  };
  const { transport, namespace, connection } = await kubeconfigTransport(given, process.env);
  const timeout = timeoutOf(flags.text("request-timeout"));
  const session = new Session(transport, flags.text("namespace") ?? namespace ?? "default", io, timeout);
  try {
    const context = {
      session,
      connection,
      mapper: new Mapper(session),
      io,
      signal,
      namespaceGiven: flags.has("namespace"),
    };
    return await command.run(context, parsed);
  } catch (error) {
    if (!(error instanceof Error && error.name === "TimeoutError" && timeout !== undefined)) throw error;
    if (flags.on("watch") || flags.on("follow")) return 0;
    throw new Error(`the server did not answer within ${flags.text("request-timeout")}`);
  } finally {
    await transport.close();
  }
}

/** Milliseconds; a plain number means seconds, 0 no limit. */
function timeoutOf(text: string | undefined): number | undefined {
  if (text === undefined || /^0[a-z]*$/.test(text)) return undefined;
  return parseDuration(/^\d+$/.test(text) ? `${text}s` : text);
}

function parseWords(
  verb: string,
  words: readonly string[],
  specs: readonly FlagSpec[],
  command: Command,
): Parsed {
  try {
    return parseFlags(words, specs, { ...(command.stopAtArgument ? { stopAtArgument: true } : {}) });
  } catch (error) {
    if (error instanceof UsageError) error.message += `\nSee 'kubectl ${verb} --help' for usage.`;
    throw error;
  }
}

/** The verb is the first word that is neither a global flag nor its value. */
function splitVerb(argv: readonly string[]): { name: string | undefined; before: string[]; after: string[] } {
  const withValue = new Set(
    globalFlags
      .filter((f) => f.type !== "boolean")
      .flatMap((f) => [`--${f.long}`, ...(f.short ? [`-${f.short}`] : [])]),
  );
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] ?? "";
    if (word.startsWith("-")) {
      if (withValue.has(word)) at++;
      continue;
    }
    return { name: word, before: argv.slice(0, at), after: argv.slice(at + 1) };
  }
  return { name: undefined, before: [...argv], after: [] };
}

function overview(): string {
  return `A kubectl-compatible client. Verbs:\n${Object.keys(verbs)
    .map((name) => `  ${name}\n`)
    .join("")}\n'wherry kubectl VERB --help' tells more about one.\n`;
}
