/** Authorization flags, named as in kube-apiserver. */
import type { ApiServerSettings, AuthorizationSettings } from "../../cluster/index.ts";
import { type Flags, type FlagSpec, UsageError } from "../flags.ts";
import { durationOf, fileOf, given } from "./flag-values.ts";

const modes = ["AlwaysAllow", "AlwaysDeny", "ABAC", "Webhook", "RBAC", "Node"] as const;
const webhookVersions = ["v1", "v1beta1"] as const;

/** Exclude --authorization-config. */
const otherFlags: readonly FlagSpec[] = [
  {
    long: "authorization-mode",
    type: "list",
    help: `authorizers in order: ${modes.join(", ")}; default Node,RBAC`,
  },
  {
    long: "authorization-webhook-config-file",
    type: "string",
    help: "kubeconfig of the webhook of mode Webhook",
  },
  {
    long: "authorization-webhook-version",
    type: "string",
    help: "version of the SubjectAccessReviews sent to it: v1 or v1beta1; default v1beta1",
  },
  {
    long: "authorization-webhook-cache-authorized-ttl",
    type: "string",
    help: "how long its permissions are cached; 0: not at all; default 5m0s",
  },
  {
    long: "authorization-webhook-cache-unauthorized-ttl",
    type: "string",
    help: "how long its denials are cached; 0: not at all; default 30s",
  },
];

export const authorizationFlags: readonly FlagSpec[] = [
  {
    long: "authorization-config",
    type: "string",
    help: "AuthorizationConfiguration file: authorizers in order, including webhooks; reloaded when it changes",
  },
  ...otherFlags,
  {
    long: "authorization-policy-file",
    type: "string",
    help: "policies of mode ABAC: one per line, in JSON",
  },
];

/** Throws a UsageError in kube-apiserver's words. */
export function authorizationSettings(
  flags: Flags,
): Pick<ApiServerSettings, "authorizationConfig" | "authorizationPolicyFile" | "authorization"> {
  const authorizationConfig = fileOf(flags, "authorization-config");
  if (!authorizationConfig) return given({ authorization: modesOf(flags) });
  if (otherFlags.some(({ long }) => flags.has(long)))
    throw new UsageError(
      "--authorization-config can not be specified when --authorization-mode or --authorization-webhook-* flags are defined",
    );
  const authorizationPolicyFile = fileOf(flags, "authorization-policy-file");
  return given({ authorizationConfig, authorizationPolicyFile });
}

/** Undefined when no modes are given. */
function modesOf(flags: Flags): AuthorizationSettings | undefined {
  const chosen = flags
    .list("authorization-mode")
    .flatMap((each) => each.split(","))
    .filter((each) => each !== "");
  const policyFile = fileOf(flags, "authorization-policy-file");
  const webhook = webhookOf(flags);
  const known = chosen.map(modeOf);
  checkFiles(known, policyFile, webhook?.kubeconfig);
  if (new Set(known).size < known.length)
    throw new UsageError(
      `authorization-mode [${known.map((mode) => JSON.stringify(mode)).join(" ")}] has mode specified more than once`,
    );
  return known.length > 0 ? given({ modes: known, policyFile, webhook }) : undefined;
}

function modeOf(name: string): AuthorizationSettings["modes"][number] {
  const mode = modes.find((each) => each === name);
  if (mode) return mode;
  throw new UsageError(`authorization-mode ${JSON.stringify(name)} is not a valid mode`);
}

function checkFiles(
  chosen: AuthorizationSettings["modes"],
  policyFile: string | undefined,
  kubeconfig: string | undefined,
): void {
  if (chosen.includes("ABAC") && !policyFile)
    throw new UsageError("authorization-mode ABAC's authorization policy file not passed");
  if (chosen.includes("Webhook") && !kubeconfig)
    throw new UsageError("authorization-mode Webhook's authorization config file not passed");
  if (policyFile && !chosen.includes("ABAC"))
    throw new UsageError("cannot specify --authorization-policy-file without mode ABAC");
  if (kubeconfig && !chosen.includes("Webhook"))
    throw new UsageError("cannot specify --authorization-webhook-config-file without mode Webhook");
}

function webhookOf(flags: Flags): AuthorizationSettings["webhook"] {
  const kubeconfig = fileOf(flags, "authorization-webhook-config-file");
  if (!kubeconfig) return undefined;
  const name = flags.text("authorization-webhook-version") ?? "v1beta1";
  const version = webhookVersions.find((each) => each === name);
  if (!version)
    throw new UsageError(
      `unsupported webhook authorizer version ${JSON.stringify(name)}, supported versions are "v1", "v1beta1"`,
    );
  return given({
    kubeconfig,
    version,
    authorizedMs: durationOf(flags, "authorization-webhook-cache-authorized-ttl"),
    unauthorizedMs: durationOf(flags, "authorization-webhook-cache-unauthorized-ttl"),
  });
}
