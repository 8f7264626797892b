import type { ObjectReader } from "../../auth-contract.ts";
import type { TokenVerifier, VerifiedToken } from "./token-verifier.ts";

/** For verifiers whose tokens have no audiences: they are valid for this server only. */
export class AudienceAgnostic implements TokenVerifier {
  readonly #inner: TokenVerifier;
  readonly #own: readonly string[];

  constructor(inner: TokenVerifier, own: readonly string[]) {
    this.#inner = inner;
    this.#own = own;
  }

  attach(objects: ObjectReader): void {
    this.#inner.attach?.(objects);
  }

  verify(
    token: string,
    audiences: readonly string[] = this.#own,
  ): VerifiedToken | undefined | Promise<VerifiedToken | undefined> {
    const shared = audiences.filter((each) => this.#own.includes(each));
    if (shared.length === 0) return undefined;
    const add = (found: VerifiedToken | undefined): VerifiedToken | undefined =>
      found && { ...found, audiences: found.audiences ?? shared };
    const found = this.#inner.verify(token, audiences);
    return found instanceof Promise ? found.then(add) : add(found);
  }
}
