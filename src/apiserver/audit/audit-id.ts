import type { HandlerRequest } from "../contract.ts";
import { newUid } from "../uid.ts";

const longestId = 64;

/** The ID of a request: the client's own Audit-ID, unless it is too long, else a new one. */
export function auditIdOf(request: HandlerRequest): string {
  const given = request.headers?.["audit-id"] ?? "";
  return given !== "" && given.length <= longestId ? given : newUid();
}
