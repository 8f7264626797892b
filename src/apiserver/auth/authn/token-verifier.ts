import type { ObjectReader, UserInfo } from "../../auth-contract.ts";
import type { AuthMetrics } from "../../metrics/auth.ts";

export interface VerifiedToken {
  user: UserInfo;
  /** Those of the asked ones that the token is for; undefined for tokens that are for nobody in particular. */
  audiences?: readonly string[];
}

/** Annotates the audit event of the request. */
export type Note = (key: string, value: string) => void;

/** Knows the tokens of one origin. */
export interface TokenVerifier {
  /**
   * Undefined when the token is not of this origin. Throws Unauthorized when it is, and is wrong, no longer valid or for
   * somebody else. `audiences`: whom it must be for, one of them is enough. `note`: gets what audit says of the token.
   */
  verify(
    token: string,
    audiences?: readonly string[],
    note?: Note,
  ): VerifiedToken | undefined | Promise<VerifiedToken | undefined>;
  attach?(objects: ObjectReader, meters?: AuthMetrics): void;
}

const authenticated = "system:authenticated";

/** Everybody who is somebody belongs to one group more. */
export function withEverybody(user: UserInfo): UserInfo {
  const { groups } = user;
  if (groups.includes(authenticated) || groups.includes("system:unauthenticated")) return user;
  return { ...user, groups: [...groups, authenticated] };
}
