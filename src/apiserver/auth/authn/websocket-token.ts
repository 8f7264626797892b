/** A bearer token among the subprotocols of a WebSocket: browsers cannot send other headers (kube-apiserver has it so too). */
import { StatusError } from "../../../machinery/index.ts";

const prefix = "base64url.bearer.authorization.k8s.io.";

const offered = (header: string | undefined): string[] =>
  (header ?? "")
    .split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "");

/** undefined when there is none. Throws 401 for several, for what is no text, and where nothing else is offered. */
export function webSocketToken(headers: Readonly<Record<string, string>>): string | undefined {
  if (headers["upgrade"]?.toLowerCase() !== "websocket") return undefined;
  const protocols = offered(headers["sec-websocket-protocol"]);
  const tokens = protocols.filter((each) => each.startsWith(prefix));
  if (tokens.length === 0) return undefined;
  const text = (tokens[0] as string).slice(prefix.length);
  // One must be left that the server can name: it says which it has chosen.
  if (tokens.length > 1 || tokens.length === protocols.length || !/^[\w-]+$/.test(text))
    throw new StatusError("Unauthorized", "Unauthorized");
  return Buffer.from(text, "base64url").toString();
}

/** The subprotocols as they may be passed on and answered. */
export function withoutToken(header: string): string {
  const protocols = offered(header);
  const others = protocols.filter((each) => !each.startsWith(prefix));
  return others.length === 0 ? header : others.join(", ");
}
