import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "../../testing/index.ts";
import { MetricsRegistry } from "../metrics/registry.ts";
import type { Flow } from "./flow.ts";
import { dealHand, flowHash } from "./hand.ts";
import { Level, type LimitResponse } from "./level.ts";
import { FlowMetrics } from "./metrics.ts";
import type { Ticket } from "./queue.ts";
import type { Work } from "./work.ts";

const one: Work = { initialSeats: 1, finalSeats: 0, lingerMs: 0 };
const queuing = { queues: 8, handSize: 2, queueLengthLimit: 3 };

function setUp(response: LimitResponse, limit: number) {
  const clock = new FakeClock();
  const metrics = new FlowMetrics(new MetricsRegistry());
  const level = new Level("level", clock, metrics.level("level"));
  level.configure(response, limit, limit);
  const meters = metrics.flow("level", "schema");
  const flow = (distinguisher: string): Flow => {
    const hand =
      typeof response === "object" && response.queues > 1
        ? dealHand(flowHash("schema", distinguisher), response.queues, response.handSize)
        : [];
    return { schema: "schema", distinguisher, hand, meters };
  };
  /** Starts a request and records the decision. */
  const ask = (of: Flow, work = one): Ticket & { told: boolean[] } => {
    const ticket = Object.assign(level.start(of, work), { told: [] as boolean[] });
    ticket.decided = (served) => ticket.told.push(served);
    return ticket;
  };
  return { clock, level, flow, ask, meters };
}

test("a level without limits serves everybody", () => {
  const { level, flow, ask } = setUp("exempt", 0);
  const tickets = Array.from({ length: 50 }, () => ask(flow("a"), { ...one, initialSeats: 10 }));
  assert.ok(tickets.every(({ state }) => state === "running"));
  assert.equal(level.seatsInUse, 500);
  for (const ticket of tickets) level.finish(ticket);
  assert.ok(level.idle);
  assert.equal(level.seatsInUse, 0);
});

test("a level that refuses takes as many as it has seats", () => {
  const { level, flow, ask, meters } = setUp("reject", 2);
  const [a, b, c] = [ask(flow("a")), ask(flow("b")), ask(flow("c"))];
  assert.deepEqual([a.state, b.state, c.state], ["running", "running", "refused"]);
  assert.equal(meters.refused("concurrency-limit").value, 1);
  level.finish(a);
  assert.equal(ask(flow("c")).state, "running");
  assert.equal(level.rejected, 1);
});

test("those who find no seat wait, first come first served, and are refused when their queue is full", () => {
  const { level, flow, ask, meters } = setUp({ ...queuing, queues: 1, handSize: 1 }, 1);
  const tickets = Array.from({ length: 5 }, () => ask(flow("a")));
  assert.deepEqual(
    tickets.map(({ state }) => state),
    ["running", "waiting", "waiting", "waiting", "refused"],
  );
  assert.equal(meters.refused("queue-full").value, 1);
  assert.deepEqual([level.waiting, level.seatsWaiting, meters.waiting.value], [3, 3, 3]);
  for (const i of [0, 1, 2, 3]) {
    level.finish(tickets[i] as Ticket);
    assert.deepEqual(
      tickets.map(({ told }) => told[0]),
      [undefined, i > -1 || undefined, i > 0 || undefined, i > 1 || undefined, undefined].map((each, at) =>
        at - 1 <= i ? each : undefined,
      ),
    );
  }
  assert.ok(level.idle);
  assert.deepEqual([level.seatsInUse, meters.executingSeats.value, meters.waiting.value], [0, 0, 0]);
});

test("who stops waiting makes room behind", () => {
  const { level, flow, ask, meters } = setUp({ ...queuing, queues: 1, handSize: 1 }, 2);
  const running = ask(flow("a"));
  const wide = ask(flow("a"), { ...one, initialSeats: 2 });
  const narrow = ask(flow("a"));
  assert.deepEqual([wide.state, narrow.state], ["waiting", "waiting"], "the wide one is not passed by");
  level.cancel(wide);
  assert.deepEqual(
    [wide.state, wide.told, narrow.state, narrow.told],
    ["refused", [false], "running", [true]],
  );
  assert.equal(meters.refused("time-out").value, 1);
  level.cancel(wide);
  assert.equal(level.cancelled, 1, "only once");
  level.finish(running);
  level.finish(narrow);
  assert.ok(level.idle);
});

test("what is wider than everything goes alone", () => {
  const { level, flow, ask } = setUp(queuing, 3);
  const wide = ask(flow("a"), { ...one, initialSeats: 9 });
  assert.equal(wide.state, "running");
  const other = ask(flow("b"));
  assert.equal(other.state, "waiting");
  level.finish(wide);
  assert.equal(other.state, "running");
});

test("final seats are held for a while after the request, and are no more than there are", () => {
  const { clock, level, flow, ask } = setUp(queuing, 2);
  const write = ask(flow("a"), { initialSeats: 1, finalSeats: 4, lingerMs: 5 });
  assert.deepEqual([write.seats, write.work.lingerMs], [2, 10], "the same work on fewer seats");
  const other = ask(flow("b"));
  level.finish(write);
  assert.equal(other.state, "waiting");
  clock.advance(9);
  assert.equal(other.state, "waiting");
  clock.advance(1);
  assert.equal(other.state, "running");
});

test("a flow that floods does not keep another from its turn", () => {
  const { clock, level, flow, ask } = setUp({ queues: 64, handSize: 6, queueLengthLimit: 50 }, 4);
  const flood = flow("flood");
  const flooding = Array.from({ length: 400 }, () => ask(flood));
  const running = new Set(flooding.filter(({ state }) => state === "running"));
  const modest = flow("modest");
  const waits: number[] = [];
  for (let i = 0; i < 20; i++) {
    const mine = ask(modest);
    let rounds = 0;
    while (mine.state === "waiting") {
      clock.advance(3);
      for (const each of running) level.finish(each);
      running.clear();
      for (const each of flooding) if (each.state === "running") running.add(each);
      // The flood is endless.
      while (level.waiting < 250) flooding.push(ask(flood));
      assert.ok(++rounds < 1000);
    }
    waits.push(rounds);
    level.finish(mine);
  }
  // At most six queues of the flood are served before the other one, four at a time.
  assert.ok(Math.max(...waits) <= 3, String(waits));
});

test("flows that always ask get about the same, whatever their requests cost", () => {
  const { clock, level } = setUp({ queues: 4, handSize: 1, queueLengthLimit: 100 }, 6);
  const metrics = new FlowMetrics(new MetricsRegistry()).flow("level", "schema");
  // Estimates that are right, four times too small, and eight times too small.
  const costs = [
    { seats: 1, ms: 3 },
    { seats: 1, ms: 12 },
    { seats: 1, ms: 24 },
    { seats: 1, ms: 1 },
  ];
  const used = costs.map(() => 0);
  const under: { ticket: Ticket; kind: number; endsAt: number }[] = [];
  const waiting = costs.map(() => [] as Ticket[]);
  for (let now = 0; now < 6000; now++) {
    for (const [kind, { seats }] of costs.entries()) {
      const flow: Flow = { schema: "schema", distinguisher: String(kind), hand: [kind], meters: metrics };
      const queue = waiting[kind] as Ticket[];
      while (queue.length < 10) queue.push(level.start(flow, { ...one, initialSeats: seats }));
    }
    for (const [kind, { ms }] of costs.entries()) {
      const queue = waiting[kind] as Ticket[];
      while (queue[0]?.state === "running")
        under.push({ ticket: queue.shift() as Ticket, kind, endsAt: now + ms });
    }
    clock.advance(1);
    for (const each of under.splice(0)) {
      if (each.endsAt > now + 1) under.push(each);
      else {
        const { seats, ms } = costs[each.kind] as (typeof costs)[0];
        (used[each.kind] as number) += seats * ms;
        level.finish(each.ticket);
      }
    }
  }
  const mean = used.reduce((a, b) => a + b, 0) / used.length;
  for (const each of used) assert.ok(Math.abs(each - mean) < 0.15 * mean, String(used));
});

test("whatever happens, seats are never given twice and sums are right", () => {
  let seed = 11;
  const random = (below: number): number => {
    seed = (seed * 16807) % 2147483647;
    return seed % below;
  };
  for (let round = 0; round < 20; round++) {
    const limit = 1 + random(6);
    // A request wider than the limit executes alone, and then exceeds it.
    const widest = round % 2 === 0 ? limit : 9;
    const { clock, level, flow, meters } = setUp({ queues: 4, handSize: 2, queueLengthLimit: 4 }, limit);
    const tickets: Ticket[] = [];
    for (let step = 0; step < 300; step++) {
      const ticket = tickets[random(Math.max(1, tickets.length))];
      switch (random(5)) {
        case 0:
        case 1:
          tickets.push(
            level.start(flow(String(random(5))), {
              initialSeats: 1 + random(widest),
              finalSeats: random(3),
              lingerMs: random(3) === 0 ? 5 : 0,
            }),
          );
          break;
        case 2:
          if (ticket) level.finish(ticket);
          break;
        case 3:
          if (ticket) level.cancel(ticket);
          break;
        default:
          clock.advance(random(10));
      }
      const running = tickets.filter(({ state }) => state === "running");
      const waiting = tickets.filter(({ state }) => state === "waiting");
      assert.equal(level.executing, running.length);
      assert.equal(level.waiting, waiting.length);
      assert.equal(
        level.seatsWaiting,
        waiting.reduce((sum, { seats }) => sum + seats, 0),
      );
      assert.ok(level.seatsInUse <= (widest > limit ? limit + widest : limit), String(level.seatsInUse));
      assert.ok(waiting.length === 0 || level.seatsInUse > 0, "nobody waits for nothing");
    }
    for (let guard = 0; tickets.some(({ state }) => state === "running" || state === "waiting"); guard++) {
      for (const each of tickets) level.finish(each);
      clock.advance(10);
      assert.ok(guard < 1000);
    }
    clock.advance(100);
    assert.deepEqual([level.seatsInUse, level.seatsWaiting, meters.executingSeats.value], [0, 0, 0]);
    assert.ok(
      level.queues.every(({ isEmpty, seatsInUse, work }) => isEmpty && seatsInUse === 0 && work === 0),
    );
  }
});

test("fewer queues: those that are too many go when they are empty; more: at once", () => {
  const { level, flow, ask } = setUp(queuing, 1);
  const tickets = ["a", "b", "c", "d"].map((each) => ask(flow(each)));
  level.configure({ ...queuing, queues: 2 }, 1, 1);
  assert.equal(level.queues.length, 8);
  for (let i = 0; i < 4; i++) for (const each of tickets) level.finish(each);
  assert.ok(level.idle);
  assert.ok(level.queues.length < 8);
  level.configure(queuing, 1, 1);
  assert.equal(level.queues.length, 8);
});

test("a higher limit lets in at once who waits", () => {
  const { level, flow, ask } = setUp(queuing, 1);
  const tickets = ["a", "b", "c"].map((each) => ask(flow(each)));
  level.configure(queuing, 3, 3);
  assert.deepEqual(
    tickets.map(({ state }) => state),
    ["running", "running", "running"],
  );
});
