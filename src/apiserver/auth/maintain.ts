/** Keeps up what the server itself stores about access: default and aggregated roles, and Secrets that ask for a token. */
import type { ApiTransport } from "../../client/index.ts";
import { type Clock, formatTime, type Logger } from "../../machinery/index.ts";
import type { ObjectReader } from "../auth-contract.ts";
import type { ServiceAccountTokens } from "./authn/service-account-tokens.ts";
import { fillTokenSecrets, isTokenSecret, markUsed } from "./authn/token-secrets.ts";
import { keepDoing } from "./loop.ts";
import { reconcileAggregation, reconcileDefaults } from "./rbac/bootstrap.ts";
import { rbacGroup } from "./rbac/rule-index.ts";

export interface MaintainContext {
  /** Of a member of system:masters. */
  api: ApiTransport;
  objects: ObjectReader;
  log: Logger;
  /** It ends when this aborts. */
  signal: AbortSignal;
}

/** Stores the default roles, repairs what they lost, and brings aggregated ones up to date, once. */
export async function storeRoles({ api, objects }: MaintainContext): Promise<void> {
  await reconcileDefaults(api, objects);
  await reconcileAggregation(api, objects);
}

/** Keeps aggregated ClusterRoles up to date, until the signal. */
export function keepRoles(context: MaintainContext, clock: Clock): Promise<void> {
  const { api, objects } = context;
  const act = () => reconcileAggregation(api, objects);
  return keepDoing(
    { group: rbacGroup, resource: "clusterroles", concerns: () => true, act },
    { ...context, clock },
  );
}

/** Fills Secrets that ask for a token, and notes the day on which such a token was used last, until the signal. */
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
