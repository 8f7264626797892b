/** Estimates the work of a request (KEP-1040, "width of requests"). */
import type { RequestInfo } from "../contract.ts";
import type { Histogram } from "../metrics/values.ts";
import { isTrue } from "../request-info.ts";

export interface Work {
  /** Seats while it executes. */
  initialSeats: number;
  /** Seats held afterwards, while watchers are notified. */
  finalSeats: number;
  /** How long they are held, in milliseconds. */
  lingerMs: number;
}

/** Statistics of a resource's stored objects. */
export interface Stored {
  objects: number;
  bytes: number;
}

export interface WorkOptions {
  /** Undefined when it is not stored here. */
  stored(group: string, resource: string): Stored | undefined;
  /** Watches that a write notifies. */
  watchers(info: RequestInfo): number;
}

const one: Work = { initialSeats: 1, finalSeats: 0, lingerMs: 0 };

const bytesPerSeat = 100_000;
/** Upper bound of a list in memory, since lists are streamed in pieces. */
const mostStreamedBytes = 1_000_000;
const largestObject = 1_500_000;
const mostListSeats = 100;
const mostWriteSeats = 10;
/** For every this many watchers, a write holds a seat for `lingerMs`. */
const watchersPerSeat = 10;
const lingerMsPerSeat = 5;

export const seatsOf = ({ initialSeats, finalSeats }: Work): number => Math.max(initialSeats, finalSeats);

/**
 * `mostSeats`: the level's limit per request; 0: none. `name`: the single object it concerns, also by a field selector.
 * `watchCount`: receives the number of watchers of a write.
 */
export function estimateWork(
  info: RequestInfo,
  name: string,
  mostSeats: number,
  options: WorkOptions,
  watchCount: Histogram,
): Work {
  switch (info.verb) {
    case "list":
    case "watch":
      return { ...one, initialSeats: listSeats(info, name, limited(mostSeats, mostListSeats), options) };
    case "create":
    case "update":
    case "patch":
    case "delete":
      return writeWork(info, limited(mostSeats, mostWriteSeats), options, watchCount);
    default:
      return one;
  }
}

const limited = (mostSeats: number, limit: number): number =>
  mostSeats === 0 ? limit : Math.min(mostSeats, limit);

function listSeats(info: RequestInfo, name: string, most: number, { stored }: WorkOptions): number {
  const { query } = info;
  const version = query.get("resourceVersion") ?? "";
  if (info.verb === "watch") {
    // Without initial events a watch is cheap.
    const wantsState = isTrue(query.get("sendInitialEvents")) || version === "" || version === "0";
    if (!wantsState) return 1;
  }
  const found = stored(info.apiGroup, info.resource);
  if (!found) return 1;
  const { objects, bytes } = found;
  const size = objects === 0 ? 0 : bytes > 0 ? bytes / objects : largestObject;
  const limit = Number(query.get("limit") ?? "0");
  const few = limit > 0 && limit < objects ? limit : objects;
  const fromMemory = info.verb === "watch" || !readsHistory(query, version, limit);
  const selects = query.has("fieldSelector") || query.has("labelSelector");
  const read = name !== "" ? 1 : !fromMemory && selects ? Math.max(few, Math.floor(objects / 2)) : few;
  const memory = read * Math.floor(size);
  const seats = Math.ceil((fromMemory ? Math.min(memory, mostStreamedBytes) : memory) / bytesPerSeat);
  return Math.max(1, Math.min(seats, most));
}

/** A past state may have to be read from the store. */
function readsHistory(query: URLSearchParams, version: string, limit: number): boolean {
  const match = query.get("resourceVersionMatch") ?? "";
  if (match !== "") return match !== "NotOlderThan";
  if (query.get("continue")) return true;
  return limit > 0 && version !== "" && version !== "0";
}

function writeWork(info: RequestInfo, most: number, { watchers }: WorkOptions, watchCount: Histogram): Work {
  // Tokens are not objects with watches.
  if (info.resource === "serviceaccounts" && info.subresource === "token") return one;
  const count = watchers(info);
  watchCount.observe(count);
  if (count < watchersPerSeat) return one;
  const wanted = Math.ceil(count / watchersPerSeat);
  const finalSeats = Math.min(wanted, most);
  // Fewer seats held longer are the same work.
  return { initialSeats: 1, finalSeats, lingerMs: (wanted * lingerMsPerSeat) / finalSeats };
}
