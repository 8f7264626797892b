import type { Duplex } from "node:stream";
import type { StreamSession } from "../../cri/index.ts";

/** PodLogOptions from the API server. */
export interface LogOptions {
  follow: boolean;
  previous: boolean;
  timestamps: boolean;
  tailLines?: number;
  limitBytes?: number;
  sinceSeconds?: number;
  /** RFC 3339. */
  sinceTime?: string;
  /** All, Stdout or Stderr. */
  stream?: string;
}

export interface CommandOptions {
  command: string[];
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  tty: boolean;
}

/**
 * The backend of the kubelet's HTTPS server. Before the first byte a StatusError becomes the HTTP response (NotFound for an
 * unknown pod or container, BadRequest for one that is not running); other errors become a 500.
 */
export interface KubeletBackend {
  /** Ends with the log or, when following, when the container has ended or `signal` is aborted. */
  logs(
    namespace: string,
    pod: string,
    container: string,
    options: LogOptions,
    signal: AbortSignal,
  ): AsyncIterable<Uint8Array>;
  exec(namespace: string, pod: string, container: string, options: CommandOptions): Promise<StreamSession>;
  attach(
    namespace: string,
    pod: string,
    container: string,
    options: Omit<CommandOptions, "command">,
  ): Promise<StreamSession>;
  /** A connection to a port in the pod's network. */
  portForward(namespace: string, pod: string, port: number): Promise<Duplex>;
  /** v1 PodList. */
  pods(): unknown;
  /** Summary API (`/stats/summary`). */
  summary(): unknown;
  /** Prometheus text of `/metrics/resource`, and of `/metrics`. */
  metrics?(path: string): string | Promise<string>;
  /** Throws when the kubelet is unhealthy. */
  healthy?(): void;
}
