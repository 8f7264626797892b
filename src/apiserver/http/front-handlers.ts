import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Logger } from "../../machinery/index.ts";
import type { HandlerRequest } from "../contract.ts";
import type { Answer } from "../response.ts";

/** Callbacks of a listener. */
export interface FrontHandlers {
  /** Never rejects. */
  handle(request: HandlerRequest): Promise<Answer>;
  /** Whether the path of a request supports upgrades. Others are answered as if no upgrade was requested. */
  upgrades(method: string, path: string, protocol: string): boolean;
  upgrade(request: HandlerRequest, message: IncomingMessage, socket: Duplex, head: Buffer): Promise<void>;
  log: Logger;
  /** The client disconnected before its answer was ready. */
  aborted?(request: HandlerRequest): void;
  /** Whether to end an HTTP/2 connection with this request (--goaway-chance). */
  goAway?(): boolean;
  /** A TLS handshake failed. */
  failedHandshake?(): void;
}
