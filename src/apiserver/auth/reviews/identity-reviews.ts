import type { KubeObject } from "../../../api/index.ts";
import { formatTime, StatusError } from "../../../machinery/index.ts";
import type { UserInfo } from "../../auth-contract.ts";
import type { SpecialHandler } from "../../contract.ts";
import type { TokenVerifier } from "../authn/token-verifier.ts";

const group = "authentication.k8s.io";
const invalidToken = "invalid bearer token";

interface TokenReview extends KubeObject {
  spec?: { token?: string; audiences?: string[] };
}

const wireUser = (user: UserInfo): object => ({
  username: user.name,
  ...(user.uid === undefined ? {} : { uid: user.uid }),
  ...(user.groups.length > 0 ? { groups: user.groups } : {}),
  ...(user.extra === undefined ? {} : { extra: user.extra }),
});

/** `tokens`: all verifiers; `own`: the default audiences. */
export function identityReviewHandlers(
  tokens: TokenVerifier,
  own: readonly string[],
  now: () => number,
): Map<string, SpecialHandler> {
  const base = { group, version: "v1", namespaced: false, verbs: ["create"] };
  const check = async (token: string, asked: readonly string[]): Promise<object> => {
    const audiences = asked.length > 0 ? asked : own;
    try {
      const found = await tokens.verify(token, audiences);
      if (!found) return { user: {}, error: invalidToken };
      return { authenticated: true, user: wireUser(found.user), audiences: found.audiences ?? audiences };
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      return { user: {}, error: `[${invalidToken}, ${error.message}]` };
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
          return { ...review, status: await check(token, review.spec?.audiences ?? []) } as KubeObject;
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
