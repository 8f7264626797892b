import { UsageError } from "../../flags.ts";
import type { Command, Context } from "../command.ts";
import { alignColumns } from "../print/columns.ts";
import { objectPrinter } from "../print/object.ts";
import type { Flags } from "../../flags.ts";

export const command: Command = {
  summary: "Asks who one is and what one may do.",
  usage: "auth (can-i VERB TYPE[/NAME] | whoami) [flags]",
  flags: [
    { long: "all-namespaces", short: "A", type: "boolean", help: "in all namespaces" },
    { long: "subresource", type: "string", help: "of the resource, e.g. log" },
    { long: "quiet", short: "q", type: "boolean", help: "only the exit code" },
    { long: "no-headers", type: "boolean", help: "can-i --list: no header line" },
    { long: "list", type: "boolean", help: "all that is allowed in the namespace" },
    { long: "output", short: "o", type: "string", help: "json or yaml (whoami)" },
  ],
  async run(context, { flags, args }) {
    const [sub, ...rest] = args;
    if (sub === "whoami") return whoami(context, flags);
    if (sub === "can-i") return canI(context, rest, flags);
    throw new UsageError(`unknown command "auth ${sub ?? ""}": can-i or whoami`);
  },
};

async function whoami({ session, io }: Context, flags: Flags): Promise<number> {
  const review = await session.call<{ status: { userInfo: { username: string; groups?: string[] } } }>(
    "POST",
    "/apis/authentication.k8s.io/v1/selfsubjectreviews",
    { body: { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" } },
  );
  const printer = objectPrinter(flags.text("output") ?? "", { managedFields: true });
  const { username, groups = [] } = review.status.userInfo;
  io.out(
    printer
      ? await printer(review, undefined)
      : `ATTRIBUTE   VALUE\nUsername    ${username}\nGroups      [${groups.join(" ")}]\n`,
  );
  return 0;
}

async function canI(
  { session, mapper, io }: Context,
  args: readonly string[],
  flags: Flags,
): Promise<number> {
  const namespace = flags.on("all-namespaces") ? "" : session.namespace;
  if (flags.on("list")) {
    const review = await session.call<{
      status: {
        resourceRules: {
          verbs: string[];
          apiGroups?: string[];
          resources?: string[];
          resourceNames?: string[];
        }[];
        nonResourceRules?: { verbs: string[]; nonResourceURLs?: string[] }[];
      };
    }>("POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", {
      body: { apiVersion: "authorization.k8s.io/v1", kind: "SelfSubjectRulesReview", spec: { namespace } },
    });
    const list = (texts: readonly string[] = []): string => `[${texts.join(" ")}]`;
    const { resourceRules, nonResourceRules = [] } = review.status;
    const rows = resourceRules.flatMap((rule) =>
      (rule.apiGroups ?? [""]).flatMap((group) =>
        (rule.resources ?? []).map((resource) => [
          group === "" ? resource : `${resource}.${group}`,
          "[]",
          list(rule.resourceNames),
          list(rule.verbs),
        ]),
      ),
    );
    const paths = nonResourceRules.flatMap((rule) =>
      (rule.nonResourceURLs ?? []).map((path) => ["", list([path]), "[]", list(rule.verbs)]),
    );
    const header = ["Resources", "Non-Resource URLs", "Resource Names", "Verbs"];
    io.out(alignColumns([...(flags.on("no-headers") ? [] : [header]), ...rows, ...paths]));
    return 0;
  }
  const [verb, what] = args;
  if (!verb || !what)
    throw new UsageError(
      "you must specify two or three arguments: verb, resource, and optional resourceName",
    );
  const spec = what.startsWith("/")
    ? { nonResourceAttributes: { verb, path: what } }
    : { resourceAttributes: await attributes(what, args[2], verb) };
  async function attributes(
    text: string,
    third: string | undefined,
    doing: string,
  ): Promise<Record<string, string>> {
    const [type = "", name] = text.split("/");
    const resource = type === "*" ? undefined : await mapper.find(type);
    return {
      verb: doing,
      group: resource?.group ?? "",
      resource: resource?.plural ?? type,
      namespace: resource && !resource.namespaced ? "" : namespace,
      ...(name || third ? { name: name ?? third ?? "" } : {}),
      ...(flags.has("subresource") ? { subresource: flags.text("subresource") ?? "" } : {}),
    };
  }
  const review = await session.call<{ status: { allowed: boolean; reason?: string } }>(
    "POST",
    "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
    { body: { apiVersion: "authorization.k8s.io/v1", kind: "SelfSubjectAccessReview", spec } },
  );
  const { allowed, reason } = review.status;
  if (!flags.on("quiet")) io.out(allowed ? "yes\n" : `no${reason ? ` - ${reason}` : ""}\n`);
  return allowed ? 0 : 1;
}
