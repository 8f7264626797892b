import type { Duplex } from "node:stream";
import type { StreamSession } from "../../cri/index.ts";

/** PodLogOptions as the API server passes them on. */
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
 * What the kubelet's HTTPS server serves. Before the first byte a StatusError becomes the HTTP answer (NotFound for an
 * unknown pod or container, BadRequest for one that is not running); any other error is a 500.
 */
export interface KubeletBackend {
  /** Ends when the log does, or, following, when the container ended or `signal` is aborted. */
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
  /** A connection to a port inside the pod's network. */
  portForward(namespace: string, pod: string, port: number): Promise<Duplex>;
  /** v1 PodList. */
  pods(): unknown;
  /** Summary API (`/stats/summary`). */
  summary(): unknown;
  /** Prometheus text of `/metrics/resource`, and of `/metrics`. */
  metrics?(path: string): string | Promise<string>;
  /** Throws when the kubelet does not do well. */
  healthy?(): void;
}
