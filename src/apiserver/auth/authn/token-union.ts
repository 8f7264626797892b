import { aggregateText, StatusError } from "../../../machinery/index.ts";
import type { ObjectReader } from "../../auth-contract.ts";
import type { AuthMetrics } from "../../metrics/auth.ts";
import type { Note, TokenVerifier, VerifiedToken } from "./token-verifier.ts";

/** Tries token verifiers in order: the first that knows the token decides; their errors are reported when none does. */
export class TokenUnion implements TokenVerifier {
  #verifiers: readonly TokenVerifier[];

  constructor(verifiers: readonly TokenVerifier[]) {
    this.#verifiers = verifiers;
  }

  /** Replaces the verifiers. */
  use(verifiers: readonly TokenVerifier[]): void {
    this.#verifiers = verifiers;
  }

  attach(objects: ObjectReader, meters?: AuthMetrics): void {
    for (const verifier of this.#verifiers) verifier.attach?.(objects, meters);
  }

  /** Synchronous unless a verifier needs the network. */
  verify(
    token: string,
    audiences?: readonly string[],
    note?: Note,
  ): VerifiedToken | undefined | Promise<VerifiedToken | undefined> {
    return this.#from(0, [], token, audiences, note);
  }

  #from(
    start: number,
    problems: StatusError[],
    token: string,
    audiences: readonly string[] | undefined,
    note: Note | undefined,
  ): VerifiedToken | undefined | Promise<VerifiedToken | undefined> {
    for (let i = start; i < this.#verifiers.length; i++) {
      try {
        const found = this.#verifiers[i]?.verify(token, audiences, note);
        if (found instanceof Promise) {
          return found
            .catch(keep(problems))
            .then((late) => late ?? this.#from(i + 1, problems, token, audiences, note));
        }
        if (found) return found;
      } catch (error) {
        keep(problems)(error);
      }
    }
    if (problems.length === 0) return undefined;
    const text = aggregateText(problems.map((each) => each.message));
    throw new StatusError("Unauthorized", text, { cause: problems[0] });
  }
}

const keep =
  (problems: StatusError[]) =>
  (error: unknown): undefined => {
    if (!(error instanceof StatusError)) throw error;
    problems.push(error);
    return undefined;
  };
