/** /debug/api_priority_and_fairness/*: queues and requests as tables. */
import { type Clock, formatDuration } from "../../machinery/index.ts";
import type { Levels, LevelState } from "./levels.ts";
import type { Ticket } from "./queue.ts";

export const dumpPrefix = "/debug/api_priority_and_fairness/";

/** The table of this name; undefined when it is unknown. */
export function dump(name: string, query: URLSearchParams, levels: Levels, clock: Clock): string | undefined {
  const sorted = [...levels.all()].sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const { level } of sorted) level.sync();
  switch (name) {
    case "dump_priority_levels":
      return table([levelColumns, ...sorted.map(levelRow)]);
    case "dump_queues":
      return table([queueColumns, ...sorted.flatMap(queueRows)]);
    case "dump_requests": {
      const details = (query.get("includeRequestDetails") ?? "") !== "";
      const head = details ? [...requestColumns, ...detailColumns] : requestColumns;
      return table([head, ...sorted.flatMap((state) => requestRows(state, details, clock))]);
    }
    default:
      return undefined;
  }
}

const levelColumns = [
  "PriorityLevelName",
  "ActiveQueues",
  "IsIdle",
  "IsQuiescing",
  "WaitingRequests",
  "ExecutingRequests",
  "DispatchedRequests",
  "RejectedRequests",
  "TimedoutRequests",
  "CancelledRequests",
];

function levelRow({ name, leaving, level }: LevelState): string[] {
  const active = level.queues.filter(({ waiting }) => waiting.length > 0).length;
  return [
    name,
    active,
    level.idle,
    leaving,
    level.waiting,
    level.executing,
    level.dispatched,
    level.rejected,
    0,
    level.cancelled,
  ].map(String);
}

const queueColumns = [
  "PriorityLevelName",
  "Index",
  "PendingRequests",
  "ExecutingRequests",
  "SeatsInUse",
  "NextDispatchR",
  "InitialSeatsSum",
  "MaxSeatsSum",
  "TotalWorkSum",
];

const queueRows = ({ name, level }: LevelState): string[][] =>
  level.queues.map(({ waiting, executing, seatsInUse, nextStart, work }, index) => [
    name,
    String(index),
    String(waiting.length),
    String(executing.size),
    String(seatsInUse),
    seatSeconds(nextStart),
    String(waiting.reduce((sum, each) => sum + each.work.initialSeats, 0)),
    String(waiting.reduce((sum, each) => sum + each.seats, 0)),
    seatSeconds(work),
  ]);

const requestColumns = [
  "PriorityLevelName",
  "FlowSchemaName",
  "QueueIndex",
  "RequestIndexInQueue",
  "FlowDistingsher",
  "ArriveTime",
  "InitialSeats",
  "FinalSeats",
  "AdditionalLatency",
  "StartTime",
];
const detailColumns = [
  "UserName",
  "Verb",
  "APIPath",
  "Namespace",
  "Name",
  "APIVersion",
  "Resource",
  "SubResource",
];

function requestRows({ name, level }: LevelState, details: boolean, clock: Clock): string[][] {
  const rows: string[][] = [];
  const add = (queue: number, place: number, ticket: Ticket): void => {
    rows.push(requestRow(name, queue, place, ticket, details, clock));
  };
  for (const [index, { waiting, executing }] of level.queues.entries()) {
    for (const [place, ticket] of waiting.entries()) add(index, place, ticket);
    for (const ticket of executing) add(index, -1, ticket);
  }
  for (const ticket of level.queueless) add(-1, -1, ticket);
  return rows;
}

function requestRow(
  level: string,
  queue: number,
  place: number,
  ticket: Ticket,
  details: boolean,
  clock: Clock,
): string[] {
  const { flow, work, arrivedAt, startedAt, state, asked } = ticket;
  const time = (at: number): string =>
    new Date(clock.now() - (clock.monotonic() - at)).toISOString().replace(/\.?0*Z$/, "Z");
  const row = [
    level,
    flow.schema,
    String(queue),
    String(place),
    flow.distinguisher,
    time(arrivedAt),
    String(work.initialSeats),
    String(work.finalSeats),
    formatDuration(work.lingerMs),
    state === "waiting" ? "0001-01-01T00:00:00Z" : time(startedAt),
  ];
  if (!details) return row;
  const { user, request } = asked ?? {};
  const { apiGroup = "", apiVersion = "" } = request ?? {};
  return [
    ...row,
    user?.name ?? "",
    request?.verb ?? "",
    request?.path ?? "",
    request?.namespace ?? "",
    request?.name ?? "",
    apiGroup === "" ? apiVersion : `${apiGroup}/${apiVersion}`,
    request?.resource ?? "",
    request?.subresource ?? "",
  ];
}

const seatSeconds = (seatMs: number): string => `${(seatMs / 1000).toFixed(8)}ss`;

/** Pads columns to the same width, at least eight, with a comma after all but the last. */
function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows)
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 8, cell.length + 2);
  const lines = rows.map((row) =>
    row.map((cell, i) => (i === row.length - 1 ? cell : `${cell},`.padEnd(widths[i] as number))).join(""),
  );
  return `${lines.join("\n")}\n`;
}
