import { isReason, StatusError } from "../machinery/index.ts";

/** Nothing can be made in the namespace any more; whoever wanted to is about to go, too. */
export const namespaceGoes = (error: unknown): boolean =>
  error instanceof StatusError &&
  (error.details?.causes ?? []).some((cause) => cause.reason === "NamespaceTerminating");

/** `undefined` instead of NotFound. */
export async function ignoreMissing<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found;
  } catch (error) {
    if (isReason(error, "NotFound")) return undefined;
    throw error;
  }
}
