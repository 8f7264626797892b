import type { Pod } from "../../../api/index.ts";
import { isReason, parseDuration, selectorFromObject } from "../../../machinery/index.ts";
import { type Flags, UsageError } from "../../flags.ts";
import { type Command, type Context, selectorFlags } from "../command.ts";
import { pathOf } from "../mapper.ts";
import { errorText } from "../error-text.ts";
import { knownContainer, podOf } from "../pods.ts";

export const command: Command = {
  summary: "Prints the logs of containers.",
  usage: "logs (POD | TYPE/NAME) [-c CONTAINER] [-f] [--previous] [flags]",
  flags: [
    ...selectorFlags,
    { long: "container", short: "c", type: "string", help: "the container" },
    { long: "follow", short: "f", type: "boolean", help: "go on as new lines come" },
    { long: "previous", short: "p", type: "boolean", help: "of the container before the last restart" },
    { long: "all-containers", type: "boolean", help: "of every container of the pod" },
    { long: "all-pods", type: "boolean", help: "of every pod of the object" },
    { long: "prefix", type: "boolean", help: "each line with pod and container" },
    { long: "tail", type: "int", help: "only the last so many lines" },
    { long: "since", type: "string", help: "only newer than this, e.g. 5m" },
    { long: "since-time", type: "string", help: "only after this time (RFC 3339)" },
    { long: "timestamps", type: "boolean", help: "each line with its time" },
    { long: "limit-bytes", type: "int", help: "at most so many bytes" },
    { long: "ignore-errors", type: "boolean", help: "go on when one container fails" },
    { long: "max-log-requests", type: "int", help: "accepted for compatibility" },
    { long: "pod-running-timeout", type: "string", help: "accepted for compatibility" },
  ],
  async run(context, { flags, args }) {
    const pods = await podsOf(context, flags, args[0]);
    if (pods.length === 0) {
      context.io.err(`No resources found in ${context.session.namespace} namespace.\n`);
      return 0;
    }
    const jobs = pods.flatMap((pod) =>
      containersOf(context, pod, flags, args[1]).map((container) => ({ pod, container })),
    );
    const many = jobs.length > 1 && flags.on("follow");
    let failed = false;
    const one = async ({ pod, container }: (typeof jobs)[number]): Promise<void> => {
      try {
        await print(context, pod, container, flags);
      } catch (error) {
        if (context.signal.aborted) throw error;
        if (!flags.on("ignore-errors")) failed = true;
        context.io.err(`${errorText(error)}\n`);
      }
    };
    if (many) await Promise.all(jobs.map(one));
    else for (const job of jobs) await one(job);
    return failed ? 1 : 0;
  },
};

async function podsOf(context: Context, flags: Flags, word: string | undefined): Promise<Pod[]> {
  const { session, mapper } = context;
  const pods = await mapper.require("pods");
  if (flags.has("selector")) {
    const list = await session.get<{ items: Pod[] }>(pathOf(pods, session.namespace), {
      labelSelector: flags.text("selector"),
    });
    return list.items;
  }
  if (!word)
    throw new UsageError(
      "expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\nPOD or TYPE/NAME is a required argument for the logs command\nSee 'kubectl logs -h' for help and examples",
    );
  if (!flags.on("all-pods")) return [await onePod(context, word)];
  const [type = "", name] = word.split("/");
  const resource = await mapper.require(type);
  const owner = await session.get<{ spec?: { selector?: object } }>(
    pathOf(resource, session.namespace, name),
  );
  const selector = selectorFromObject(owner.spec?.selector ?? {});
  const list = await session.get<{ items: Pod[] }>(pathOf(pods, session.namespace));
  return list.items.filter((pod) => selector.matches(pod.metadata?.labels ?? {}));
}

async function onePod(context: Context, word: string): Promise<Pod> {
  try {
    return await podOf(context, word, true);
  } catch (error) {
    if (!isReason(error, "NotFound") || word.includes("/")) throw error;
    const { namespace } = context.session;
    throw new Error(`error from server (NotFound): pods "${word}" not found in namespace "${namespace}"`);
  }
}

function containersOf(context: Context, pod: Pod, flags: Flags, second: string | undefined): string[] {
  const spec = pod.spec;
  const main = (spec?.containers ?? []).map((container) => container.name);
  const all = [...(spec?.initContainers ?? []).map((container) => container.name), ...main];
  const named = flags.text("container") ?? second;
  if (named !== undefined) return [knownContainer(pod, named)];
  if (flags.on("all-containers")) return all;
  const preferred = pod.metadata?.annotations?.["kubectl.kubernetes.io/default-container"];
  if (preferred && all.includes(preferred)) return [preferred];
  if (all.length > 1) {
    context.io.err(
      `Defaulted container "${main[0]}" out of: ${[...main, ...all.slice(0, all.length - main.length).map((n) => `${n} (init)`)].join(", ")}\n`,
    );
  }
  return main.slice(0, 1);
}

async function print(context: Context, pod: Pod, container: string, flags: Flags): Promise<void> {
  const pods = await context.mapper.require("pods");
  const name = pod.metadata?.name ?? "";
  const since = flags.text("since");
  const tail = flags.int("tail") ?? (flags.has("selector") ? 10 : undefined);
  const response = await context.session.open(
    "GET",
    pathOf(pods, pod.metadata?.namespace ?? context.session.namespace, name, "log"),
    {
      query: {
        container,
        follow: flags.on("follow") || undefined,
        previous: flags.on("previous") || undefined,
        timestamps: flags.on("timestamps") || undefined,
        tailLines: tail !== undefined && tail >= 0 ? tail : undefined,
        limitBytes: flags.int("limit-bytes"),
        sinceSeconds: since && since !== "0s" ? Math.ceil(parseDuration(since) / 1000) : undefined,
        sinceTime: flags.text("since-time"),
      },
      accept: "*/*",
      signal: context.signal,
    },
  );
  const prefix = flags.on("prefix") ? `[pod/${name}/${container}] ` : "";
  const decoder = new TextDecoder();
  let atStart = true;
  for await (const chunk of response.body) {
    const text = decoder.decode(chunk, { stream: true });
    if (prefix === "") {
      context.io.out(text);
      continue;
    }
    const marked = (atStart ? prefix : "") + text.replace(/\n(?=.)/gs, `\n${prefix}`);
    atStart = text.endsWith("\n");
    context.io.out(marked);
  }
}
