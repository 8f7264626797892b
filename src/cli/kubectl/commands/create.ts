import type { KubeObject } from "../../../api/index.ts";
import { parseDuration } from "../../../machinery/index.ts";
import { type Flags, UsageError } from "../../flags.ts";
import {
  type Command,
  type Context,
  dryRunFlags,
  dryRunNote,
  dryRunOf,
  fieldManagerFlags,
  filenameFlags,
  outputFlags,
} from "../command.ts";
import { errorText } from "../error-text.ts";
import { objectName, pathOf, type Resource } from "../mapper.ts";
import { fileOf, type Manifest, readManifests } from "../manifests.ts";
import { objectPrinter } from "../print/object.ts";
import { targetOfObject } from "../targets.ts";
import { lastApplied, validationOf } from "./apply.ts";
import { type Generator, generatorAliases, generators } from "./generators.ts";

const seen = new Set<string>();
const generatorFlags = Object.values(generators)
  .flatMap((generator) => generator.flags)
  .filter((flag) => !seen.has(flag.long) && seen.add(flag.long));

export const command: Command = {
  summary: `Creates an object from a file or from the command line: ${Object.keys(generators).join(", ")}, token.`,
  usage: "create (-f FILE | KIND NAME) [flags]",
  flags: [
    ...filenameFlags,
    ...outputFlags,
    ...dryRunFlags,
    ...fieldManagerFlags,
    { long: "save-config", type: "boolean", help: "note the object for a later apply" },
    { long: "validate", type: "optional", implied: "strict", help: "strict, warn or ignore unknown fields" },
    { long: "duration", type: "string", help: "token: how long it is valid" },
    { long: "audience", type: "list", help: "token: whom it is for" },
    ...generatorFlags,
  ],
  async run(context, { flags, args, rest }) {
    if (flags.list("filename").length > 0) {
      return createAll(context, flags, await readManifests(flags.list("filename"), flags.on("recursive")));
    }
    if (args[0] === "token") return createToken(context, flags, args[1]);
    const { generator, words } = generatorOf(args);
    const [name, ...more] = words;
    if (!name)
      throw new UsageError(
        `exactly one NAME is required, got 0\nUsage: wherry kubectl create ${generator.usage}`,
      );
    return createAll(context, flags, [
      { object: generator.make(name, flags, rest ?? [], more), source: "command line" },
    ]);
  },
};

function generatorOf(args: readonly string[]): { generator: Generator; words: readonly string[] } {
  const [first = "", second = ""] = args;
  const one = generators[generatorAliases[first] ?? first];
  if (one) return { generator: one, words: args.slice(1) };
  const two = generators[`${first === "svc" ? "service" : first} ${second}`];
  if (two) return { generator: two, words: args.slice(2) };
  throw new UsageError(`must specify one of -f or a kind: ${Object.keys(generators).join(", ")}, token`);
}

async function createAll(context: Context, flags: Flags, manifests: readonly Manifest[]): Promise<number> {
  if (manifests.length === 0) throw new Error("no objects passed to create");
  let failed = false;
  for (const { object, source } of manifests) {
    try {
      const { resource, namespace } = await targetOfObject(context.mapper, context.session, object, source);
      await createObject(context, flags, resource, namespace, object);
    } catch (error) {
      failed = true;
      context.io.err(
        `${errorText(error, source === "command line" ? undefined : `creating "${fileOf(source)}"`)}\n`,
      );
    }
  }
  return failed ? 1 : 0;
}

/** Creates one object and prints it as the flags specify. */
export async function createObject(
  context: Context,
  flags: Flags,
  resource: Resource,
  namespace: string | undefined,
  object: KubeObject,
  verb = "created",
): Promise<KubeObject> {
  const dryRun = dryRunOf(flags.text("dry-run"));
  const printer = objectPrinter(flags.text("output") ?? "", {
    managedFields: flags.on("show-managed-fields"),
  });
  const wanted: KubeObject = flags.on("save-config")
    ? {
        ...object,
        metadata: {
          ...object.metadata,
          annotations: { ...object.metadata?.annotations, [lastApplied]: `${JSON.stringify(object)}\n` },
        },
      }
    : object;
  const placed: KubeObject =
    namespace === undefined || (dryRun === "client" && !context.namespaceGiven)
      ? wanted
      : { ...wanted, metadata: { ...wanted.metadata, namespace } };
  const made =
    dryRun === "client"
      ? placed
      : await context.session.call<KubeObject>("POST", pathOf(resource, namespace), {
          query: {
            fieldManager: flags.text("field-manager") ?? "kubectl-create",
            fieldValidation: validationOf(flags.text("validate")),
            ...(dryRun === "server" ? { dryRun: "All" } : {}),
          },
          body: placed,
        });
  const said = objectName(resource, made.metadata?.name ?? "");
  context.io.out(printer ? await printer(made, resource) : `${said} ${verb}${dryRunNote[dryRun]}\n`);
  return made;
}

async function createToken(context: Context, flags: Flags, name: string | undefined): Promise<number> {
  if (!name) throw new UsageError("exactly one NAME is required: create token SERVICEACCOUNT");
  const resource = await context.mapper.require("serviceaccounts");
  const duration = flags.text("duration");
  const audiences = flags.list("audience");
  const answer = await context.session.call<{ status: { token: string } }>(
    "POST",
    pathOf(resource, context.session.namespace, name, "token"),
    {
      body: {
        apiVersion: "authentication.k8s.io/v1",
        kind: "TokenRequest",
        spec: {
          ...(audiences.length > 0 ? { audiences } : {}),
          ...(duration ? { expirationSeconds: Math.ceil(parseDuration(duration) / 1000) } : {}),
        },
      },
    },
  );
  context.io.out(`${answer.status.token}\n`);
  return 0;
}
