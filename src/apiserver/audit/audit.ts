/** The record of who did what (audit.k8s.io/v1). */
import type { HandlerRequest, RequestAudit } from "../contract.ts";
import { auditIdOf } from "./audit-id.ts";
import type { AuditBackend, AuditEvent, AuditPlugin } from "./event.ts";
import { AuditPolicy } from "./policy.ts";
import { Trail } from "./trail.ts";

export interface AuditOptions {
  /** The parsed policy file. */
  policy: unknown;
  backends: readonly AuditBackend[];
  now(): number;
  /** Events whose JSON is longer lose their bodies; bytes. */
  maxEventBytes?: number;
  /** Hears of events that a backend could not take. */
  failed?: (plugin: AuditPlugin, error: unknown) => void;
}

export class Audit implements RequestAudit {
  readonly #options: AuditOptions;
  readonly #policy: AuditPolicy;
  events = 0;
  readonly levels = new Map<string, number>();
  /** Events that were lost, by where. */
  readonly errors = new Map<string, number>();

  /** Throws an Error for a policy with mistakes. */
  constructor(options: AuditOptions) {
    this.#options = options;
    this.#policy = new AuditPolicy(options.policy);
  }

  begin(request: HandlerRequest): Trail {
    const context = {
      policy: this.#policy,
      now: this.#options.now,
      emit: (event: AuditEvent) => this.#emit(event),
      decided: (level: string) => this.levels.set(level, (this.levels.get(level) ?? 0) + 1),
    };
    return new Trail(context, request, auditIdOf(request));
  }

  async close(): Promise<void> {
    await Promise.all(this.#options.backends.map((backend) => backend.close()));
  }

  #emit(event: AuditEvent): void {
    this.events++;
    const { backends, maxEventBytes } = this.#options;
    let kept = event;
    let line = JSON.stringify(kept);
    if (maxEventBytes !== undefined && Buffer.byteLength(line) > maxEventBytes) {
      const { requestObject: _request, responseObject: _response, ...rest } = event;
      kept = { ...rest, annotations: { ...event.annotations, "audit.k8s.io/truncated": "true" } };
      line = JSON.stringify(kept);
    }
    for (const backend of backends) {
      try {
        backend.write(kept, line);
      } catch (error) {
        this.lost(backend.plugin ?? "log", 1);
        this.#options.failed?.(backend.plugin ?? "log", error);
      }
    }
  }

  /** So many events did not get where they should. */
  lost(plugin: AuditPlugin, events: number): void {
    this.errors.set(plugin, (this.errors.get(plugin) ?? 0) + events);
  }
}
