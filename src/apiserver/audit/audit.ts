/** Audit log (audit.k8s.io/v1). */
import type { HandlerRequest, RequestAudit } from "../contract.ts";
import { auditIdOf } from "./audit-id.ts";
import { type AuditBackend, type AuditEvent, type AuditPlugin, Entry } from "./event.ts";
import type { AuditPolicy } from "./policy.ts";
import { Trail } from "./trail.ts";

export interface AuditOptions {
  policy: AuditPolicy;
  backends: readonly AuditBackend[];
  now(): number;
}

export class Audit implements RequestAudit {
  readonly #options: AuditOptions;
  events = 0;
  /** Requests refused because their RequestReceived event could not be recorded. */
  rejected = 0;
  readonly levels = new Map<string, number>();
  /** Lost events by plugin. */
  readonly errors = new Map<string, number>();

  constructor(options: AuditOptions) {
    this.#options = options;
  }

  begin(request: HandlerRequest): Trail {
    const { policy, now } = this.#options;
    const context = {
      policy,
      now,
      emit: (event: AuditEvent) => this.#emit(event),
      decided: (level: string) => this.levels.set(level, (this.levels.get(level) ?? 0) + 1),
      rejected: () => void this.rejected++,
    };
    return new Trail(context, request, auditIdOf(request));
  }

  async close(): Promise<void> {
    await Promise.all(this.#options.backends.map((backend) => backend.close()));
  }

  /** Reports lost events. */
  lost(plugin: AuditPlugin, events: number): void {
    this.errors.set(plugin, (this.errors.get(plugin) ?? 0) + events);
  }

  #emit(event: AuditEvent): boolean | Promise<boolean> {
    this.events++;
    const entries = [new Entry(event)];
    let taken = true;
    let later: Promise<boolean>[] | undefined;
    for (const backend of this.#options.backends) {
      const outcome = backend.process(entries);
      if (typeof outcome === "boolean") taken &&= outcome;
      else (later ??= []).push(outcome);
    }
    return later ? Promise.all(later).then((all) => taken && all.every(Boolean)) : taken;
  }
}
