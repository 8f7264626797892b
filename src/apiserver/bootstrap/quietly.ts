import { isReason } from "../../machinery/index.ts";

const faster = ["AlreadyExists", "Conflict", "NotFound"] as const;

/** A write that somebody else may have been faster with: it is looked at again later. */
export async function quietly(write: () => Promise<unknown>): Promise<void> {
  try {
    await write();
  } catch (error) {
    if (!faster.some((reason) => isReason(error, reason))) throw error;
  }
}
