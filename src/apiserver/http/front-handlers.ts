import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Logger } from "../../machinery/index.ts";
import type { HandlerRequest } from "../contract.ts";
import type { Answer } from "../response.ts";

/** What a port does with that which comes in by it. */
export interface FrontHandlers {
  /** Never rejects. */
  handle(request: HandlerRequest): Promise<Answer>;
  /** Whether a request that asks for its connection to become something else leads to what can. Others are answered as ever. */
  upgrades(method: string, path: string, protocol: string): boolean;
  upgrade(request: HandlerRequest, message: IncomingMessage, socket: Duplex, head: Buffer): Promise<void>;
  log: Logger;
  /** The client had gone before its answer was there. */
  aborted?(request: HandlerRequest): void;
  /** Whether a connection of HTTP/2 shall end with this request, so that its client looks for another server. */
  goAway?(): boolean;
  /** A connection failed before TLS was agreed on. */
  failedHandshake?(): void;
}
