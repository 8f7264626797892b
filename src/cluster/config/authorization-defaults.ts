import type { AuthorizationSettings } from "./api-server-settings.ts";

/** What holds where --authorization-mode and --authorization-webhook-* say nothing: kube-apiserver's values, but for the modes. */
export const authorizationDefaults = {
  modes: ["Node", "RBAC"],
  version: "v1beta1",
  authorizedMs: 300_000,
  unauthorizedMs: 30_000,
} as const satisfies Partial<AuthorizationSettings & NonNullable<AuthorizationSettings["webhook"]>>;

/** What holds where --authentication-token-webhook-* say nothing. */
export const tokenWebhookDefaults = { version: "v1beta1", ttlMs: 120_000 } as const;
