/** Maintains what the server stores for access control: default and aggregated roles, and Secrets with tokens. */
import type { ApiTransport } from "../../client/index.ts";
import { type Clock, formatTime, type Logger } from "../../machinery/index.ts";
import type { ObjectReader } from "../auth-contract.ts";
import type { ServiceAccountTokens } from "./authn/service-account-tokens.ts";
import { fillTokenSecrets, isTokenSecret, markUsed } from "./authn/token-secrets.ts";
import { keepDoing } from "./loop.ts";
import { reconcileAggregation, reconcileDefaults } from "./rbac/bootstrap.ts";
import { rbacGroup } from "./rbac/rule-index.ts";

export interface MaintainContext {
  /** As a member of system:masters. */
  api: ApiTransport;
  objects: ObjectReader;
  log: Logger;
  /** Stops when this aborts. */
  signal: AbortSignal;
}

/** Stores and repairs the default roles, and updates aggregated ones, once. */
export async function storeRoles({ api, objects }: MaintainContext): Promise<void> {
  await reconcileDefaults(api, objects);
  await reconcileAggregation(api, objects);
}

/** Keeps aggregated ClusterRoles up to date until the signal. */
export function keepRoles(context: MaintainContext, clock: Clock): Promise<void> {
  const { api, objects } = context;
  const act = () => reconcileAggregation(api, objects);
  return keepDoing(
    { group: rbacGroup, resource: "clusterroles", concerns: () => true, act },
    { ...context, clock },
  );
}

/** Fills token Secrets, and records the day of their tokens' last use, until the signal. */
export function keepTokenSecrets(
  context: MaintainContext,
  clock: Clock,
  tokens: ServiceAccountTokens,
  rootCa: string | undefined,
): Promise<void> {
  const { api, objects, log, signal } = context;
  tokens.onLegacyUse((secret) => {
    const day = formatTime(clock.now()).slice(0, 10);
    markUsed(api, secret, day).catch((error: unknown) => {
      if (!signal.aborted) log.warn("the use of a token could not be marked", { error });
    });
  });
  const act = () => fillTokenSecrets({ api, objects, tokens, rootCa });
  return keepDoing({ group: "", resource: "secrets", concerns: isTokenSecret, act }, { ...context, clock });
}
