/** Limits of a PriorityLevelConfiguration. */
import type { PriorityLevelConfiguration } from "../../api/index.ts";
import { canDeal } from "./hand.ts";
import type { LimitResponse } from "./level.ts";

type Spec = NonNullable<PriorityLevelConfiguration["spec"]>;

export const exemptName = "exempt";
export const catchAllName = "catch-all";

/** Seats of a level: nominal, minimum and maximum. */
export interface SeatLimits {
  nominal: number;
  lower: number;
  upper: number;
}

/** Undefined when the object is inconsistent; it is ignored then. */
export function limitResponse({ metadata, spec }: PriorityLevelConfiguration): LimitResponse | undefined {
  if (!spec) return undefined;
  const { type, limited, exempt } = spec;
  if ((type === "Limited") !== (limited !== undefined)) return undefined;
  if ((type === "Exempt") !== (exempt !== undefined)) return undefined;
  if ((type === "Exempt") !== (metadata?.name === exemptName)) return undefined;
  if (!limited) return "exempt";
  const { type: response, queuing } = limited.limitResponse ?? { type: "Reject" };
  if ((response === "Reject") !== (queuing === undefined)) return undefined;
  if (!queuing) return "reject";
  const { queues = 64, handSize = 8, queueLengthLimit = 50 } = queuing;
  if (queues <= 0) return "reject";
  return canDeal(queues, handSize) ? { queues, handSize, queueLengthLimit } : undefined;
}

export const sharesOf = ({ limited, exempt }: Spec): number =>
  limited ? (limited.nominalConcurrencyShares ?? 30) : (exempt?.nominalConcurrencyShares ?? 0);

/** `total`: the server's seats; `shares`: of all levels. */
export function seatLimits(spec: Spec, total: number, shares: number): SeatLimits {
  const { limited, exempt } = spec;
  const nominal = shares > 0 ? Math.ceil((total * sharesOf(spec)) / shares) : 0;
  const lendable = Math.round((nominal * ((limited ?? exempt)?.lendablePercent ?? 0)) / 100);
  const borrowed = limited?.borrowingLimitPercent;
  const borrowing = borrowed === undefined ? total : Math.round((nominal * borrowed) / 100);
  return { nominal, lower: nominal - lendable, upper: nominal + borrowing };
}

/** Limit of the seats of one request at a level; 0: none. */
export function mostSeats(response: LimitResponse, { nominal }: SeatLimits): number {
  if (typeof response !== "object") return 0;
  const fair = Math.floor(nominal / response.handSize);
  return Math.max(1, Math.min(Math.ceil(nominal * 0.15), fair));
}
