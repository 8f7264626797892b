import { Audit } from "../audit/audit.ts";
import type { AuditBackend, AuditEvent, Entry } from "../audit/event.ts";
import { AuditPolicy } from "../audit/policy.ts";

/** A record of requests by these rules, with `more` for the rest of the policy. */
export const auditBy = (
  rules: readonly object[],
  backend: AuditBackend,
  { policy = {}, now = () => 0 }: { policy?: object; now?: () => number } = {},
): Audit =>
  new Audit({
    policy: new AuditPolicy({ apiVersion: "audit.k8s.io/v1", kind: "Policy", rules, ...policy }),
    backends: [backend],
    now,
  });

/** Takes everything at once. */
export const recorder = (take: (event: AuditEvent, entry: Entry) => void): AuditBackend => ({
  process(entries) {
    for (const entry of entries) take(entry.event, entry);
    return true;
  },
  close: async () => {},
});
