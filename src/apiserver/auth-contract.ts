import type { KubeObject } from "../api/index.ts";
import type { AuthMetrics } from "./metrics/auth.ts";

/** authentication.k8s.io/v1 UserInfo: who a request comes from. */
export interface UserInfo {
  name: string;
  uid?: string;
  groups: readonly string[];
  extra?: Readonly<Record<string, readonly string[]>>;
}

/** The other end of the connection, as the carrier vouches for it. */
export interface Peer {
  /** Subject of a verified client certificate: CN is the user's name, each O one group. */
  certificate?: {
    commonName: string;
    organizations: readonly string[];
    /** SHA-256 of its DER form, in hexadecimal; absent for callers in the same process. */
    fingerprint?: string;
    /** The certificate itself. */
    der?: Uint8Array;
  };
  address: string;
}

/** What an authenticator may look at. Header names are lower case. */
export interface Credentials {
  readonly headers: Readonly<Record<string, string>>;
  readonly peer: Peer;
  /** Path of the request without its query: anonymous access can depend on it. */
  readonly path?: string;
  /** Annotates the audit event of the request, if there is one. */
  readonly annotate?: ((key: string, value: string) => void) | undefined;
  /** Adds a Warning header to the answer, whatever it is. */
  readonly warn?: (text: string) => void;
}

export interface Authenticator {
  /**
   * `undefined`: no credentials were given (the chain goes on as system:anonymous). Throws StatusError Unauthorized for wrong or
   * expired credentials.
   */
  authenticate(request: Credentials): Promise<UserInfo | undefined> | UserInfo | undefined;
  /** Called once, when the server's objects can be read and before the first request. `meters`: where it counts. */
  attach?(objects: ObjectReader, meters?: AuthMetrics): void;
}

/** What is to be authorized. For non-resource requests `isResource` is false, `path` counts and the resource fields are "". */
export interface AuthorizationAttributes {
  readonly user: UserInfo;
  /** get, list, watch, create, update, patch, delete, deletecollection, proxy; the lower-case HTTP method for paths. */
  readonly verb: string;
  readonly apiGroup: string;
  readonly apiVersion: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly path: string;
  readonly isResource: boolean;
  readonly fieldSelector?: string;
  readonly labelSelector?: string;
}

export interface Decision {
  allowed: boolean;
  /** Final: no further authorizer is asked. */
  denied?: true;
  /** Appended to the 403's message when it is not empty. */
  reason: string;
  /** The error, if any: when no other authorizer allows the request, it is answered with 500. */
  error?: string;
}

export interface Authorizer {
  authorize(attributes: AuthorizationAttributes): Promise<Decision> | Decision;
  /** Called once, when the server's objects can be read and before the first request. `meters`: where it counts. */
  attach?(objects: ObjectReader, meters?: AuthMetrics): void;
}

/**
 * The stored objects in the server's watch cache, without authorization or copies. They are shared and read only. `resource` is
 * the plural.
 */
export interface ObjectReader {
  get<T extends KubeObject>(
    group: string,
    resource: string,
    namespace: string | undefined,
    name: string,
  ): T | undefined;
  list<T extends KubeObject>(group: string, resource: string, namespace?: string): readonly T[];
  /** Calls back after each change, in order. The returned function stops it. */
  onChange<T extends KubeObject>(
    group: string,
    resource: string,
    listener: (type: "added" | "modified" | "deleted", object: T, old: T | undefined) => void,
  ): () => void;
}
