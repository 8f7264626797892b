/** Upgrades of connections: which are accepted, who takes them over, and what others are answered. */
import { StatusError } from "../machinery/index.ts";
import { admitConnection } from "./admission/connect.ts";
import type { Aggregator } from "./aggregation/aggregator.ts";
import { auditIdOf } from "./audit/audit-id.ts";
import { withoutToken } from "./auth/authn/websocket-token.ts";
import type { ApiServerOptions, HandlerRequest, RequestInfo } from "./contract.ts";
import type { Core } from "./core.ts";
import { isLasting } from "./flow-control/lasting.ts";
import type { Gate } from "./gate.ts";
import type { FrontHandlers } from "./http/front-handlers.ts";
import { noteAuditId, refusalOf, refuseUpgrade } from "./http/refuse-upgrade.ts";
import { answerUpgrade } from "./http/upgraded.ts";
import { infoOf } from "./request-info.ts";
import type { Answer } from "./response.ts";

export interface UpgradeContext {
  core: Core;
  gate: Gate;
  aggregator: Aggregator;
  options: Pick<ApiServerOptions, "audit" | "upgrades">;
  /** Answers requests that are not upgraded. */
  handle(request: HandlerRequest): Promise<Answer>;
}

/** Upgrades to a pod, node or extension server are passed on; watches are served over WebSocket. */
export function upgradeHandlers({
  core,
  gate,
  aggregator,
  options,
  handle,
}: UpgradeContext): Pick<FrontHandlers, "upgrades" | "upgrade"> {
  const { requests } = core.meters;
  const becomesAnother = (asked: RequestInfo, protocol: string): boolean =>
    aggregator.route(asked) !== undefined || (options.upgrades?.takes(asked, protocol) ?? false);

  return {
    upgrades(method, path, protocol) {
      const asked = infoOf({ method, path });
      if (!asked) return false;
      const wanted = protocol.toLowerCase();
      return becomesAnother(asked, wanted) || (asked.verb === "watch" && wanted === "websocket");
    },

    async upgrade(request, message, socket, head) {
      const info = infoOf(request);
      const wanted = message.headers.upgrade?.toLowerCase() ?? "";
      if (!info || !becomesAnother(info, wanted)) {
        const gone = new AbortController();
        socket.once("close", () => gone.abort(new Error("the client closed the connection")));
        const answer = await handle({ ...request, signal: gone.signal });
        if (socket.destroyed) answer.over?.();
        else socket.once("close", () => answer.over?.());
        return answerUpgrade({ message, socket, head }, answer);
      }
      const protocols = message.headers["sec-websocket-protocol"];
      if (protocols !== undefined) message.headers["sec-websocket-protocol"] = withoutToken(protocols);
      const trail = options.audit?.begin(request);
      noteAuditId(socket, trail?.auditId ?? auditIdOf(request));
      /** Recorded and counted as the upgraded connection, for as long as it lasts. */
      const becomes = (): void => {
        if (trail) socket.once("close", trail.upgraded());
        const lasting = isLasting(info) ? requests.lasting(request.method, "", info, info.name) : undefined;
        lasting?.add(1);
        socket.once("close", () => lasting?.add(-1));
      };
      let refuses = (error: unknown): void => void trail?.answered(refusalOf(error), info);
      try {
        const user = await gate.admit(request, info, trail);
        const extension = aggregator.route(info);
        const recorded = trail ? { ...request, audit: trail } : request;
        const connection = extension ? undefined : await admitConnection(core, recorded, info, user, []);
        if (!extension && !options.upgrades)
          throw new StatusError("BadRequest", "upgrades are not served here");
        if (socket.destroyed) throw new StatusError("InternalError", "the client closed the connection");
        becomes();
        refuses = () => {};
        if (extension) await aggregator.upgrade(extension, { request: message, socket, head }, user);
        else options.upgrades?.handleUpgrade(message, socket, head, connection ?? info, user, core.caches);
      } catch (error) {
        refuses(error);
        refuseUpgrade(socket, error);
      }
    },
  };
}
