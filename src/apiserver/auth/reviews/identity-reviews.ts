import type { KubeObject } from "../../../api/index.ts";
import { formatTime, StatusError } from "../../../machinery/index.ts";
import type { UserInfo } from "../../auth-contract.ts";
import type { SpecialHandler } from "../../contract.ts";
import type { ServiceAccountTokens } from "../authn/service-account-tokens.ts";

const group = "authentication.k8s.io";

interface TokenReview extends KubeObject {
  spec?: { token?: string; audiences?: string[] };
}

const wireUser = (user: UserInfo): object => ({
  username: user.name,
  ...(user.uid === undefined ? {} : { uid: user.uid }),
  ...(user.groups.length > 0 ? { groups: user.groups } : {}),
  ...(user.extra === undefined ? {} : { extra: user.extra }),
});

/** `tokenFixed` finds users of tokens that are not ServiceAccounts'. */
export function identityReviewHandlers(
  tokens: ServiceAccountTokens,
  tokenFixed: (token: string) => UserInfo | undefined,
  now: () => number,
): Map<string, SpecialHandler> {
  const base = { group, version: "v1", namespaced: false, verbs: ["create"] };
  const check = (token: string, audiences: readonly string[]): object => {
    try {
      const verified = tokens.verify(token, audiences.length > 0 ? audiences : undefined);
      if (verified)
        return { authenticated: true, user: wireUser(verified.user), audiences: verified.audiences };
      const user = tokenFixed(token);
      if (user)
        return {
          authenticated: true,
          user: wireUser(user),
          ...(audiences.length > 0 ? { audiences } : {}),
        };
      return { user: {}, error: "invalid bearer token" };
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      return { user: {}, error: `[invalid bearer token, ${error.message}]` };
    }
  };
  return new Map<string, SpecialHandler>([
    [
      `tokenreviews.${group}`,
      {
        ...base,
        kind: "TokenReview",
        async handle(context) {
          const review = context.object() as TokenReview;
          const token = review.spec?.token ?? "";
          if (token === "")
            throw new StatusError("BadRequest", "token is required for TokenReview in authentication");
          return { ...review, status: check(token, review.spec?.audiences ?? []) } as KubeObject;
        },
      },
    ],
    [
      `selfsubjectreviews.${group}`,
      {
        ...base,
        kind: "SelfSubjectReview",
        async handle(context) {
          context.object();
          return {
            apiVersion: `${group}/v1`,
            kind: "SelfSubjectReview",
            metadata: { creationTimestamp: formatTime(now()) },
            status: { userInfo: wireUser(context.user) },
          } as KubeObject;
        },
      },
    ],
  ]);
}
