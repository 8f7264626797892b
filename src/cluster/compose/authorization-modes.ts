/** The authorizers that --authorization-mode names, as an AuthorizationConfiguration names them. */
import { accessSync, constants, readFileSync } from "node:fs";
import { type AuthorizerConfig, readPolicies } from "../../apiserver/index.ts";
import { formatDuration } from "../../machinery/index.ts";
import { ClusterError } from "../cluster-error.ts";
import { authorizationDefaults } from "../config/authorization-defaults.ts";
import type { AuthorizationSettings } from "../config/api-server-settings.ts";

type WebhookSettings = NonNullable<AuthorizationSettings["webhook"]>;

const webhookTimeoutMs = 30_000;

/** Reads the files that they need. Throws a ClusterError in kube-apiserver's words. */
export function authorizersOf({
  modes,
  policyFile = "",
  webhook,
}: AuthorizationSettings): AuthorizerConfig[] {
  try {
    return modes.map((type): AuthorizerConfig => {
      if (type === "Webhook" && webhook) return { type, name: "default", webhook: webhookConfig(webhook) };
      const policies =
        type === "ABAC" ? { policies: readPolicies(readFileSync(policyFile, "utf8"), policyFile) } : {};
      return { type, name: type.toLowerCase(), ...policies };
    });
  } catch (cause) {
    throw new ClusterError(`invalid authorization config: ${(cause as Error).message}`, { cause });
  }
}

function webhookConfig({ kubeconfig, version, ...ttl }: WebhookSettings): AuthorizerConfig["webhook"] {
  accessSync(kubeconfig, constants.R_OK);
  const { authorizedMs, unauthorizedMs } = { ...authorizationDefaults, ...ttl };
  return {
    timeout: formatDuration(webhookTimeoutMs),
    authorizedTTL: formatDuration(authorizedMs),
    unauthorizedTTL: formatDuration(unauthorizedMs),
    cacheAuthorizedRequests: authorizedMs !== 0,
    cacheUnauthorizedRequests: unauthorizedMs !== 0,
    subjectAccessReviewVersion: version,
    failurePolicy: "NoOpinion",
    connectionInfo: { type: "KubeConfigFile", kubeConfigFile: kubeconfig },
  };
}
