import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Logger } from "../../machinery/index.ts";
import type { HandlerRequest } from "../contract.ts";
import type { Answer } from "../response.ts";

/** What a listener calls. */
export interface FrontHandlers {
  /** Never rejects. */
  handle(request: HandlerRequest): Promise<Answer>;
  /** Whether the path of a request can be upgraded. Others are answered as without the upgrade. */
  upgrades(method: string, path: string, protocol: string): boolean;
  upgrade(request: HandlerRequest, message: IncomingMessage, socket: Duplex, head: Buffer): Promise<void>;
  log: Logger;
  /** The client left before its answer was ready. */
  aborted?(request: HandlerRequest): void;
  /** Whether to end an HTTP/2 connection with this request (--goaway-chance). */
  goAway?(): boolean;
  /** A connection failed before TLS was agreed on. */
  failedHandshake?(): void;
}
