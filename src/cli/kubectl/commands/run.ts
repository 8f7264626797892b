import type { Pod } from "../../../api/index.ts";
import { type Flags, type Parsed, UsageError } from "../../flags.ts";
import { type Command, dryRunFlags, outputFlags } from "../command.ts";
import { pathOf } from "../mapper.ts";
import { lines } from "../session.ts";
import { createObject } from "./create.ts";
import { attachTo } from "../streams.ts";

export const command: Command = {
  summary: "Runs an image as one pod.",
  usage:
    "run NAME --image=IMAGE [--env K=V] [--port P] [-it] [--rm] [--restart Never] [--command] [-- ARG...]",
  flags: [
    ...outputFlags,
    ...dryRunFlags,
    { long: "image", type: "string", help: "the image" },
    { long: "image-pull-policy", type: "string", help: "Always, IfNotPresent or Never" },
    { long: "env", type: "list", help: "KEY=VALUE" },
    { long: "port", type: "string", help: "the port the container exposes" },
    { long: "expose", type: "boolean", help: "also make a Service for --port" },
    { long: "labels", short: "l", type: "string", help: "KEY=VALUE with commas" },
    { long: "annotations", type: "list", help: "KEY=VALUE" },
    { long: "restart", type: "string", help: "Always, OnFailure or Never" },
    { long: "command", type: "boolean", help: "what stands behind -- is the command, not its arguments" },
    { long: "stdin", short: "i", type: "boolean", help: "pass standard input" },
    { long: "tty", short: "t", type: "boolean", help: "with a terminal" },
    { long: "attach", type: "boolean", help: "wait and attach" },
    { long: "rm", type: "boolean", help: "delete the pod afterwards" },
    { long: "quiet", short: "q", type: "boolean", help: "say nothing but what the container says" },
    { long: "privileged", type: "boolean", help: "run privileged" },
    { long: "overrides", type: "string", help: "JSON merged over the pod" },
    { long: "serviceaccount", type: "string", help: "the ServiceAccount" },
  ],
  stopAtArgument: false,
  async run(context, parsed) {
    const { flags } = parsed;
    const pod = podOf(parsed);
    const { name } = pod.metadata;
    const attached = flags.on("stdin") || flags.on("attach");
    if (flags.on("rm") && !attached) throw new UsageError("--rm should only be used for attached containers");
    const resource = await context.mapper.require("pods");
    const { namespace } = context.session;
    const quiet = { ...context, io: attached ? { ...context.io, out: () => {} } : context.io };
    await createObject(quiet, flags, resource, namespace, await overridden(pod, flags));
    const port = flags.text("port");
    if (flags.on("expose") && port) {
      const services = await context.mapper.require("services");
      await createObject(context, flags, services, namespace, serviceOf(pod, Number(port)));
    }
    if (!attached || flags.has("dry-run")) return 0;
    const path = pathOf(resource, namespace, name);
    try {
      await attachOrLog(context, flags, path, name);
      const code = pod.spec.restartPolicy === "Always" ? 0 : await exitCode(context, path, name);
      if (code !== 0) context.io.err(`pod ${namespace}/${name} terminated (Error)\n`);
      return code;
    } finally {
      if (flags.on("rm")) {
        await context.session.call("DELETE", path, {
          body: { propagationPolicy: "Background", gracePeriodSeconds: 0 },
        });
        context.io.out(`pod "${name}" deleted from ${namespace} namespace\n`);
      }
    }
  },
};

/** KEY=VALUE */
const pairOf = (text: string): [string, string] => text.split(/=(.*)/s, 2) as [string, string];

/** The pod described by the flags. */
function podOf({ flags, args, rest }: Parsed) {
  const [name, ...extra] = args;
  const image = flags.text("image");
  if (!name) throw new UsageError("NAME is required for run");
  if (!image) throw new UsageError('required flag(s) "image" not set');
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      labels: flags.has("labels")
        ? Object.fromEntries((flags.text("labels") ?? "").split(",").map(pairOf))
        : { run: name },
      ...(flags.has("annotations")
        ? { annotations: Object.fromEntries(flags.list("annotations").map(pairOf)) }
        : {}),
    },
    spec: {
      containers: [containerOf(name, image, [...extra, ...(rest ?? [])], flags)],
      restartPolicy: flags.text("restart") ?? "Always",
      ...(flags.has("serviceaccount") ? { serviceAccountName: flags.text("serviceaccount") } : {}),
    },
  };
}

function containerOf(name: string, image: string, words: readonly string[], flags: Flags): object {
  const port = flags.text("port");
  const env = flags.list("env").map(pairOf);
  return {
    name,
    image,
    ...(words.length > 0 ? { [flags.on("command") ? "command" : "args"]: words } : {}),
    ...(flags.has("env") ? { env: env.map(([name, value]) => ({ name, value })) } : {}),
    ...(port ? { ports: [{ containerPort: Number(port) }] } : {}),
    ...(flags.has("image-pull-policy") ? { imagePullPolicy: flags.text("image-pull-policy") } : {}),
    ...(flags.on("stdin") ? { stdin: true, stdinOnce: true } : {}),
    ...(flags.on("tty") ? { tty: true } : {}),
    ...(flags.on("privileged") ? { securityContext: { privileged: true } } : {}),
  };
}

/** With --overrides merged over it. */
async function overridden(pod: object, flags: Flags): Promise<object> {
  const overrides = flags.text("overrides");
  if (!overrides) return pod;
  const { applyMergePatch } = await import("../../../machinery/index.ts");
  return applyMergePatch(pod, JSON.parse(overrides)) as object;
}

const serviceOf = ({ metadata: { name, labels } }: ReturnType<typeof podOf>, port: number): object => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name },
  spec: { selector: labels, ports: [{ port, targetPort: port, protocol: "TCP" }] },
});

/** Attaches to the pod once it runs. If it has already finished, or attaching fails, prints its log. */
async function attachOrLog(context: Context, flags: Flags, path: string, name: string): Promise<void> {
  const started = await untilStarted(context, path, name);
  if (started.status?.phase !== "Running") return printLog(context, path);
  if (!flags.on("quiet") && flags.on("tty"))
    context.io.err("If you don't see a command prompt, try pressing enter.\n");
  try {
    await attachTo(context, started, name, { stdin: flags.on("stdin"), tty: flags.on("tty") });
  } catch (error) {
    // It may have finished between the read and the attempt.
    context.io.err(
      `warning: couldn't attach to pod/${name}, falling back to streaming logs: ${error instanceof Error ? error.message : String(error)}\n`,
    );
    await printLog(context, path);
  }
}

type Context = Parameters<Command["run"]>[0];

async function printLog(context: Context, path: string): Promise<void> {
  const log = await context.session.open("GET", `${path}/log`, {
    query: { follow: true },
    accept: "*/*",
    signal: context.signal,
  });
  for await (const chunk of log.body) context.io.out(Buffer.from(chunk).toString("utf8"));
}

/** Watches one pod until `test` returns a result. */
async function follow<T>(
  context: Context,
  path: string,
  name: string,
  test: (pod: Pod) => T | undefined,
): Promise<T> {
  const collection = path.slice(0, path.lastIndexOf("/"));
  const response = await context.session.open("GET", collection, {
    query: { watch: true, fieldSelector: `metadata.name=${name}` },
    signal: context.signal,
  });
  for await (const line of lines(response.body)) {
    if (line === "") continue;
    const event = JSON.parse(line) as { type: string; object: Pod };
    if (event.type === "DELETED") throw new Error(`pod ${name} was deleted`);
    const answer = test(event.object);
    if (answer !== undefined) return answer;
  }
  throw new Error(`the watch on pod ${name} ended`);
}

const untilStarted = (context: Context, path: string, name: string): Promise<Pod> =>
  follow(context, path, name, (pod) => {
    const waiting = pod.status?.containerStatuses?.[0]?.state?.waiting;
    if (waiting?.reason === "ErrImagePull" || waiting?.reason === "ImagePullBackOff") {
      throw new Error(`pod ${name}: ${waiting.reason}: ${waiting.message ?? ""}`);
    }
    return ["Running", "Succeeded", "Failed"].includes(pod.status?.phase ?? "") ? pod : undefined;
  });

const exitCode = (context: Context, path: string, name: string): Promise<number> =>
  follow(context, path, name, (pod) =>
    ["Succeeded", "Failed"].includes(pod.status?.phase ?? "")
      ? (pod.status?.containerStatuses?.[0]?.state?.terminated?.exitCode ?? 0)
      : undefined,
  );
