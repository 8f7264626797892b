/** Bearer tokens in WebSocket subprotocols, as in kube-apiserver: browsers cannot set other headers. */
import { isUtf8 } from "node:buffer";
import { StatusError } from "../../../machinery/index.ts";

const prefix = "base64url.bearer.authorization.k8s.io.";

/** Without padding (RFC 4648, 5). */
const isBase64Url = (text: string): boolean => /^[\w-]+$/.test(text) && text.length % 4 !== 1;

const offered = (header: string | undefined): string[] =>
  (header ?? "")
    .split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "");

/**
 * undefined when there is none, or an empty one. Throws 401 for several, for invalid text, and when no other protocol is offered.
 */
export function webSocketToken(headers: Readonly<Record<string, string>>): string | undefined {
  if (headers["upgrade"]?.toLowerCase() !== "websocket") return undefined;
  const protocols = offered(headers["sec-websocket-protocol"]);
  const tokens = protocols.filter((each) => each.startsWith(prefix));
  if (tokens.length === 0) return undefined;
  const text = (tokens[0] as string).slice(prefix.length);
  if (tokens.length === 1 && text === "") return undefined;
  const token = Buffer.from(text, "base64url");
  // The server has to select one of the others in its answer.
  if (tokens.length > 1 || tokens.length === protocols.length || !isBase64Url(text) || !isUtf8(token))
    throw new StatusError("Unauthorized", "Unauthorized");
  return token.toString();
}

/** The subprotocols without the token. */
export function withoutToken(header: string): string {
  const protocols = offered(header);
  const others = protocols.filter((each) => !each.startsWith(prefix));
  return others.length === 0 ? header : others.join(", ");
}
