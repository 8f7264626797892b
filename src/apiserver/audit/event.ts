import type { UserInfo } from "../auth-contract.ts";
import type { Level, Stage } from "./policy.ts";

/** audit.k8s.io/v1 Event, its members in the order Kubernetes writes them. */
export interface AuditEvent {
  kind: "Event";
  apiVersion: "audit.k8s.io/v1";
  level: Level;
  auditID: string;
  stage: Stage;
  requestURI: string;
  verb: string;
  user: EventUser;
  impersonatedUser?: EventUser;
  authenticationMetadata?: { impersonationConstraint: string };
  sourceIPs?: string[];
  userAgent?: string;
  objectRef?: ObjectReference;
  responseStatus?: object;
  requestObject?: unknown;
  responseObject?: unknown;
  requestReceivedTimestamp: string;
  stageTimestamp: string;
  annotations?: Record<string, string>;
}

export interface EventUser {
  username?: string;
  uid?: string;
  groups?: readonly string[];
  extra?: Readonly<Record<string, readonly string[]>>;
}

export interface ObjectReference {
  resource?: string;
  namespace?: string;
  name?: string;
  uid?: string;
  apiGroup?: string;
  apiVersion?: string;
  resourceVersion?: string;
  subresource?: string;
}

export function eventUser(user: UserInfo): EventUser {
  return {
    username: user.name,
    ...(user.uid ? { uid: user.uid } : {}),
    ...(user.groups.length > 0 ? { groups: user.groups } : {}),
    ...(user.extra && Object.keys(user.extra).length > 0 ? { extra: user.extra } : {}),
  };
}

/**
 * Where events are lost, by kube-apiserver's names: in a log, on the way to a webhook, while they wait for either, or because they
 * are too large.
 */
export type AuditPlugin = "log" | "webhook" | "buffered" | "truncate";

/** An event on its way, whose JSON is made once for all who want it. */
export class Entry {
  readonly event: AuditEvent;
  #json: string | undefined;

  constructor(event: AuditEvent) {
    this.event = event;
  }

  get json(): string {
    return (this.#json ??= JSON.stringify(this.event));
  }
}

/** Where events go. */
export interface AuditBackend {
  /** Whether all of them were taken; a promise where that takes time. Never throws or rejects: what is lost is told to `Loss`. */
  process(entries: readonly Entry[]): boolean | Promise<boolean>;
  /** Settles when everything that was taken is where it should be. */
  close(): Promise<void>;
}

/** Hears of events that did not get where they should. */
export type Loss = (plugin: AuditPlugin, events: number, error: unknown) => void;
