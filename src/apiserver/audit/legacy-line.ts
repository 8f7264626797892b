import { goQuote } from "../../machinery/index.ts";
import type { AuditEvent } from "./event.ts";

const quotedList = (texts: readonly string[]): string => texts.map(goQuote).join();

/** An event as a line of text (--audit-log-format=legacy), with a subset of its fields. */
export function legacyLine(event: AuditEvent): string {
  const { user, impersonatedUser: as, objectRef, responseStatus, sourceIPs = [] } = event;
  const { username = "", groups = [] } = user;
  const named = username !== "";
  const { code } = (responseStatus ?? {}) as { code?: number };
  const parts: [name: string, value: string][] = [
    ["id", event.auditID],
    ["stage", event.stage],
    ["ip", sourceIPs[0] ?? "<unknown>"],
    ["method", event.verb],
    ["user", named ? username : "<none>"],
    ["groups", named && groups.length > 0 ? quotedList(groups) : "<none>"],
    ["as", as ? (as.username ?? "") : "<self>"],
    ["asgroups", as?.groups ? quotedList(as.groups) : "<lookup>"],
    ["user-agent", event.userAgent ?? ""],
    ["namespace", objectRef?.namespace || "<none>"],
    ["uri", event.requestURI],
  ];
  const time = event.requestReceivedTimestamp.replace(/\.?0+Z$/, "Z");
  const said = parts.map(([name, value]) => `${name}=${goQuote(value)}`).join(" ");
  return `${time} AUDIT: ${said} response="${responseStatus ? (code ?? 0) : "<deferred>"}"`;
}
