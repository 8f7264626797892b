import assert from "node:assert/strict";
import { UsageError } from "../flags.ts";

/** What is wrong with arguments, as a user is told; "" when `read` takes them. */
export function usageProblem(read: (...argv: string[]) => unknown, ...argv: string[]): string {
  try {
    read(...argv);
    return "";
  } catch (error) {
    assert.ok(error instanceof UsageError);
    return error.message;
  }
}
