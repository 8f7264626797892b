/** The authorizers of --authorization-mode, as in an AuthorizationConfiguration. */
import { accessSync, constants, readFileSync } from "node:fs";
import { type AbacPolicy, type Auth, type AuthorizerConfig, readPolicies } from "../../apiserver/index.ts";
import { formatDuration } from "../../machinery/index.ts";
import { ClusterError } from "../cluster-error.ts";
import { authorizationDefaults } from "../config/authorization-defaults.ts";
import type { AuthorizationSettings } from "../config/api-server-settings.ts";

type WebhookSettings = NonNullable<AuthorizationSettings["webhook"]>;

const webhookTimeoutMs = 30_000;

/** Replaces the authorizers by those of the modes. Throws a ClusterError in kube-apiserver's words. */
export async function useModes(
  auth: Pick<Auth, "useAuthorizers">,
  settings: AuthorizationSettings,
): Promise<void> {
  const authorizers = authorizersOf(settings);
  await auth.useAuthorizers(authorizers).catch((cause: Error) => {
    throw refusal(cause);
  });
}

const refusal = (cause: Error): ClusterError =>
  new ClusterError(`invalid authorization config: ${cause.message}`, { cause });

/** Reads the files that they need. Throws a ClusterError in kube-apiserver's words. */
export function authorizersOf({
  modes,
  policyFile = "",
  webhook,
}: AuthorizationSettings): AuthorizerConfig[] {
  try {
    return modes.map((type): AuthorizerConfig => {
      if (type === "Webhook" && webhook) return { type, name: "default", webhook: webhookConfig(webhook) };
      const policies = type === "ABAC" ? { policies: policiesIn(policyFile)() } : {};
      return { type, name: type.toLowerCase(), ...policies };
    });
  } catch (cause) {
    throw refusal(cause as Error);
  }
}

/** The policies of ABAC in a file, which is read once, when they are needed. */
export function policiesIn(file: string): () => readonly AbacPolicy[] {
  let policies: readonly AbacPolicy[] | undefined;
  return () => (policies ??= readPolicies(readFileSync(file, "utf8"), file));
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
