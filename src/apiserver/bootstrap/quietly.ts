import { isReason } from "../../machinery/index.ts";

const faster = ["AlreadyExists", "Conflict", "NotFound"] as const;

/** Ignores conflicts with concurrent writes: the next run handles them. */
export async function quietly(write: () => Promise<unknown>): Promise<void> {
  try {
    await write();
  } catch (error) {
    if (!faster.some((reason) => isReason(error, reason))) throw error;
  }
}
