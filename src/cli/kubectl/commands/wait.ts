import type { KubeObject } from "../../../api/index.ts";
import { findJsonPath, parseDuration } from "../../../machinery/index.ts";
import { UsageError } from "../../flags.ts";
import { type Command, type Context, filenameFlags, outputFlags, selectorFlags } from "../command.ts";
import { objectName, pathOf } from "../mapper.ts";
import { lines } from "../session.ts";
import { type Found, objectsOf, targetsOf } from "../targets.ts";

type Test = (object: KubeObject | undefined) => boolean;

export const command: Command = {
  summary: "Waits until objects have a condition, a value, or are gone.",
  usage:
    "wait (TYPE NAME | TYPE/NAME... | TYPE (-l SELECTOR | --all) | -f FILE) --for=(delete | create | condition=NAME[=VALUE] | jsonpath=EXPR[=VALUE]) [flags]",
  flags: [
    ...filenameFlags,
    ...selectorFlags,
    ...outputFlags,
    {
      long: "for",
      type: "string",
      help: "delete, create, condition=NAME[=VALUE] or jsonpath='{...}'[=VALUE]",
    },
    { long: "timeout", type: "string", help: "how long at most, default 30s" },
    { long: "all", type: "boolean", help: "every object of the type in the namespace" },
  ],
  async run(context, { flags, args }) {
    const purpose = flags.text("for");
    if (!purpose) throw new UsageError("unrecognized condition: []");
    const test = testOf(purpose);
    const targets = await targetsOf(context.mapper, context.session, args, flags);
    if (targets.length === 0) throw new UsageError("no resource specified");
    const timeout = parseDuration(flags.text("timeout") ?? "30s");
    const gone = purpose === "delete";
    let found: Found[];
    try {
      found =
        purpose === "create"
          ? targets.map((target) => ({ ...target, name: target.name ?? "", object: {} }))
          : await objectsOf(context.session, targets, flags);
    } catch (error) {
      if (gone && targets.every((target) => target.name !== undefined)) return 0;
      throw error;
    }
    if (found.length === 0) {
      if (gone) return 0;
      throw new Error("no matching resources found");
    }
    const timer = AbortSignal.timeout(Math.max(timeout, 1));
    const answers = await Promise.allSettled(found.map((target) => waitFor(context, target, test, timer)));
    let failed = false;
    answers.forEach((answer, at) => {
      const target = found[at];
      if (!target) return;
      const said = objectName(target.resource, target.name);
      if (answer.status === "fulfilled") context.io.out(`${said} condition met\n`);
      else {
        failed = true;
        context.io.err(
          timer.aborted
            ? `error: timed out waiting for the condition on ${target.resource.plural}/${target.name}\n`
            : `error: ${answer.reason}\n`,
        );
      }
    });
    return failed ? 1 : 0;
  },
};

function testOf(purpose: string): Test {
  if (purpose === "delete") return (object) => object === undefined;
  if (purpose === "create") return (object) => object !== undefined;
  const condition = /^condition=([^=]+)(?:=(.*))?$/i.exec(purpose);
  if (condition) {
    const [, type = "", wanted = "True"] = condition;
    return (object) => {
      const status = (
        object as
          | {
              status?: {
                conditions?: { type: string; status: string; observedGeneration?: number }[];
                observedGeneration?: number;
              };
            }
          | undefined
      )?.status;
      const found = status?.conditions?.find((c) => c.type.toLowerCase() === type.toLowerCase());
      const observed = found?.observedGeneration ?? status?.observedGeneration;
      const generation = object?.metadata?.generation;
      if (observed !== undefined && generation !== undefined && observed < generation) return false;
      return found?.status.toLowerCase() === wanted.toLowerCase();
    };
  }
  const path = /^jsonpath=(?:'|")?(\{.*?\}|[^=]+)(?:'|")?(?:=(.*))?$/.exec(purpose);
  if (path) {
    const [, expression = "", wanted] = path;
    const inner = expression.startsWith("{") ? expression : `{${expression}}`;
    return (object) => {
      if (object === undefined) return false;
      const values = findJsonPath(inner, object);
      return wanted === undefined
        ? values.length > 0
        : values.some((value) => String(value) === wanted.replace(/^["']|["']$/g, ""));
    };
  }
  throw new UsageError(`unrecognized condition: "${purpose}"`);
}

/** Watches one object until the condition is met. */
async function waitFor(context: Context, target: Found, test: Test, timer: AbortSignal): Promise<void> {
  const path = pathOf(target.resource, target.namespace);
  const fieldSelector = `metadata.name=${target.name}`;
  const signal = AbortSignal.any([context.signal, timer]);
  for (;;) {
    signal.throwIfAborted();
    const list = await context.session.call<{ metadata: { resourceVersion: string }; items: KubeObject[] }>(
      "GET",
      path,
      { query: { fieldSelector }, signal },
    );
    const uid = target.object.metadata?.uid;
    const now = list.items.find((item) => uid === undefined || item.metadata?.uid === uid);
    if (test(now)) return;
    const response = await context.session.open("GET", path, {
      query: { fieldSelector, watch: true, resourceVersion: list.metadata.resourceVersion },
      signal,
    });
    for await (const line of lines(response.body)) {
      if (line === "") continue;
      const event = JSON.parse(line) as { type: string; object: KubeObject };
      if (event.type === "ERROR") break;
      if (test(event.type === "DELETED" ? undefined : event.object)) return;
    }
  }
}
