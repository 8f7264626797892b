import type { ObjectReader, UserInfo } from "../../auth-contract.ts";
import type { AuthMetrics } from "../../metrics/auth.ts";

export interface VerifiedToken {
  user: UserInfo;
  /** The requested audiences that the token is valid for; undefined for tokens without audiences. */
  audiences?: readonly string[];
}

/** Annotates the audit event of the request. */
export type Note = (key: string, value: string) => void;

/** Verifies tokens of one kind. */
export interface TokenVerifier {
  /**
   * Undefined when the token is of another kind. Throws Unauthorized when it is of this kind but invalid, expired or for other
   * audiences. `audiences`: at least one must match. `note`: receives audit annotations.
   */
  verify(
    token: string,
    audiences?: readonly string[],
    note?: Note,
  ): VerifiedToken | undefined | Promise<VerifiedToken | undefined>;
  attach?(objects: ObjectReader, meters?: AuthMetrics): void;
}

const authenticated = "system:authenticated";

/** Adds the group system:authenticated. */
export function withEverybody(user: UserInfo): UserInfo {
  const { groups } = user;
  if (groups.includes(authenticated) || groups.includes("system:unauthenticated")) return user;
  return { ...user, groups: [...groups, authenticated] };
}
