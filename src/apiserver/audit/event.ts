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

/** Where events are lost, by kube-apiserver's names: in a log, on the way to a webhook, or while they wait for one. */
export type AuditPlugin = "log" | "webhook" | "buffered";

/** Where events go. */
export interface AuditBackend {
  /** By which its failures are counted. */
  readonly plugin?: AuditPlugin;
  /** Each event is a line of JSON by now. Throws where it cannot be written; the request goes on. */
  write(event: AuditEvent, line: string): void;
  close(): Promise<void>;
}
