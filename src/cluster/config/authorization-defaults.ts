import type { AuthorizationSettings } from "./api-server-settings.ts";

/** Defaults of --authorization-mode and --authorization-webhook-*: kube-apiserver's, except for the modes. */
export const authorizationDefaults = {
  modes: ["Node", "RBAC"],
  version: "v1beta1",
  authorizedMs: 300_000,
  unauthorizedMs: 30_000,
} as const satisfies Partial<AuthorizationSettings & NonNullable<AuthorizationSettings["webhook"]>>;

/** Defaults of --authentication-token-webhook-*. */
export const tokenWebhookDefaults = { version: "v1beta1", ttlMs: 120_000 } as const;
