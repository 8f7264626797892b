import type { AuditBackend } from "./event.ts";

/** Mode `blocking`: requests wait for the backend, but its failures do not refuse them. */
export function forgiving(backend: AuditBackend): AuditBackend {
  return {
    process(entries) {
      const outcome = backend.process(entries);
      return typeof outcome === "boolean" ? true : outcome.then(() => true);
    },
    close: () => backend.close(),
  };
}
