import { createHash } from "node:crypto";
import type { UserInfo } from "../../auth-contract.ts";
import { type TokenVerifier, type VerifiedToken, withEverybody } from "./token-verifier.ts";

const digest = (token: string): string => createHash("sha256").update(token).digest("hex");

/** Static tokens, stored as SHA-256 so that comparisons take constant time. */
export class FixedTokens implements TokenVerifier {
  readonly #users: ReadonlyMap<string, UserInfo>;

  constructor(tokens: ReadonlyMap<string, UserInfo>) {
    this.#users = new Map([...tokens].map(([token, user]) => [digest(token), withEverybody(user)]));
  }

  verify(token: string): VerifiedToken | undefined {
    if (this.#users.size === 0) return undefined;
    const user = this.#users.get(digest(token));
    return user && { user };
  }
}
