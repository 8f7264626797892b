import { type Outcome, settled } from "../client/index.ts";
import { isReason, StatusError } from "../machinery/index.ts";

/** The namespace is terminating: nothing can be created in it, and the owner will be deleted, too. */
export const namespaceGoes = (error: unknown): boolean =>
  error instanceof StatusError &&
  (error.details?.causes ?? []).some((cause) => cause.reason === "NamespaceTerminating");

/** Returns instead of throwing when the namespace is terminating. */
export async function unlessNamespaceGoes(outcome: Promise<Outcome>): Promise<Outcome> {
  try {
    return await outcome;
  } catch (error) {
    if (namespaceGoes(error)) return settled;
    throw error;
  }
}

/** `undefined` instead of NotFound. */
export async function ignoreMissing<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (isReason(error, "NotFound")) return undefined;
    throw error;
  }
}

/** For calls with a UID precondition: the object was deleted, or replaced by another one. */
export async function ignoreGone(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!isReason(error, "NotFound") && !isReason(error, "Conflict")) throw error;
  }
}
