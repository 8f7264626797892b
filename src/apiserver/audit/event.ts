import type { UserInfo } from "../auth-contract.ts";
import type { Level, Stage } from "./policy.ts";

/** audit.k8s.io/v1 Event, its fields in Kubernetes' order. */
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

/** Where events are lost, by kube-apiserver's names: in the log or webhook backend, in their buffer, or by truncation. */
export type AuditPlugin = "log" | "webhook" | "buffered" | "truncate";

/** An event and its JSON, which is encoded once for all backends. */
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

/** A backend for events. */
export interface AuditBackend {
  /** Whether all were accepted; a promise if asynchronous. Never throws or rejects: losses are reported to `Loss`. */
  process(entries: readonly Entry[]): boolean | Promise<boolean>;
  /** Resolves when all accepted events have been delivered. */
  close(): Promise<void>;
}

/** Receives lost events. */
export type Loss = (plugin: AuditPlugin, events: number, error: unknown) => void;
