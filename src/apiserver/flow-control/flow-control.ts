/** API priority and fairness (KEP-1040): dispatches, queues or rejects requests. */
import {
  type FlowSchema,
  flowSchemaOrder,
  type KubeObject,
  type PriorityLevelConfiguration,
} from "../../api/index.ts";
import type { Clock, Timer } from "../../machinery/index.ts";
import type { ObjectReader, UserInfo } from "../auth-contract.ts";
import type { RequestInfo } from "../contract.ts";
import { flowSchemas as defaultSchemas, priorityLevels as defaultLevels } from "../bootstrap/flow-control.ts";
import type { MetricsRegistry } from "../metrics/registry.ts";
import { Classifier } from "./classify.ts";
import { dump, dumpPrefix } from "./dump.ts";
import type { Flow } from "./flow.ts";
import { dealHand, flowHash } from "./hand.ts";
import { InFlight } from "./in-flight.ts";
import { Levels } from "./levels.ts";
import { catchAllName, exemptName } from "./limits.ts";
import { FlowMetrics } from "./metrics.ts";
import { Passage, type Surroundings } from "./passage.ts";
import type { Schema } from "./schema.ts";
import { WatchCounts } from "./watch-counts.ts";
import { estimateWork, seatsOf, type Stored, type WorkOptions } from "./work.ts";

const group = "flowcontrol.apiserver.k8s.io";
/** Interval of lending and returning seats. */
const divideMs = 10_000;
/** Limit of cached flows per schema. */
const maxFlows = 5000;
/** Longer names are not cached. */
const maxNameLength = 1024;

/** --max-requests-inflight and --max-mutating-requests-inflight of kube-apiserver, by default. */
const defaultSeats = 400 + 200;

export interface FlowControlOptions {
  clock: Clock;
  objects: ObjectReader;
  metrics: MetricsRegistry;
  /** Statistics of a resource's objects; undefined when they are not stored here. */
  stored(group: string, resource: string): Stored | undefined;
  /** Seats of the server; default 600. */
  seats?: number;
}

export class FlowControl {
  readonly #options: FlowControlOptions;
  readonly #metrics: FlowMetrics;
  readonly #watches = new WatchCounts();
  readonly #inFlight: InFlight;
  readonly #around: Surroundings;
  readonly #known: WorkOptions;
  readonly levels: Levels;
  #classifier: Classifier<Schema>;
  #catchAll: Schema | undefined;
  #timer: Timer | undefined;
  readonly #stops: (() => void)[] = [];

  constructor(options: FlowControlOptions) {
    const { clock, objects, metrics, seats = defaultSeats } = options;
    this.#options = options;
    this.#metrics = new FlowMetrics(metrics);
    this.levels = new Levels(seats, clock, this.#metrics);
    this.#inFlight = new InFlight(metrics, clock);
    this.#around = {
      clock,
      inFlight: this.#inFlight, // A level whose object is gone ends with its last request.
      onIdle: () => this.#configure(),
    };
    this.#known = { stored: options.stored, watchers: (info) => this.#watches.interestedIn(info) };
    this.#classifier = new Classifier<Schema>([]);
    const changed = (type: string, object: KubeObject, old: KubeObject | undefined): void => {
      // Status updates change nothing here.
      if (type === "modified" && object.metadata?.generation === old?.metadata?.generation) return;
      this.#configure();
    };
    for (const plural of ["flowschemas", "prioritylevelconfigurations"])
      this.#stops.push(objects.onChange(group, plural, changed));
    metrics.beforeReading(() => {
      for (const { name, level, meters } of this.levels.all()) {
        level.sync();
        this.#metrics.stands(name, level.virtual, meters);
      }
    });
    this.#configure();
    this.#again();
  }

  close(): void {
    this.#timer?.stop();
    for (const stop of this.#stops) stop();
  }

  /** A new request. `name`: the single object it concerns, also by a field selector. */
  admit(info: RequestInfo, user: UserInfo, name: string, now = this.#options.clock.monotonic()): Passage {
    const schema = this.#classifier.find(user, info) ?? (this.#catchAll as Schema);
    const state = schema.level;
    const flow = this.#flow(schema, info, user);
    const work = estimateWork(info, name, state.mostSeats, this.#known, flow.meters.watchCount);
    flow.meters.estimatedSeats.observe(seatsOf(work));
    return new Passage(this.#around, schema, flow, work, now, { request: info, user });
  }

  /** Counts a watch after its initialization, since it makes writes more expensive. Call the returned function when it ends. */
  watching(info: RequestInfo, name: string): () => void {
    return this.#watches.begin(name === info.name ? info : { ...info, name });
  }

  /** A debug table; undefined for other paths. */
  table(path: string, query: URLSearchParams): string | undefined {
    if (!path.startsWith(dumpPrefix)) return undefined;
    return dump(path.slice(dumpPrefix.length), query, this.levels, this.#options.clock);
  }

  #flow(schema: Schema, { namespace }: RequestInfo, user: UserInfo): Flow {
    const { level, object } = schema;
    const { response } = level;
    const queues = typeof response === "object" ? response.queues : 0;
    const method = queues > 1 ? object.spec?.distinguisherMethod?.type : undefined;
    const distinguisher = method === "ByUser" ? user.name : method === "ByNamespace" ? namespace : "";
    let flow = schema.flows.get(distinguisher);
    if (!flow) {
      const hand =
        typeof response === "object" && queues > 1
          ? dealHand(flowHash(schema.name, distinguisher), queues, response.handSize)
          : [];
      flow = {
        schema: schema.name,
        distinguisher,
        hand,
        meters: this.#metrics.flow(level.name, schema.name),
      };
      if (distinguisher.length <= maxNameLength) {
        if (schema.flows.size >= maxFlows) schema.flows.clear();
        schema.flows.set(distinguisher, flow);
      }
    }
    return flow;
  }

  #configure(): void {
    const { objects } = this.#options;
    const levels = objects.list<PriorityLevelConfiguration>(group, "prioritylevelconfigurations");
    // These two exist even without their objects.
    this.levels.configure([
      ...levels,
      ...[exemptName, catchAllName]
        .filter((name) => !levels.some(({ metadata }) => metadata?.name === name))
        .map((name) => byName(defaultLevels, name) as PriorityLevelConfiguration),
    ]);
    const found = objects.list<FlowSchema>(group, "flowschemas").toSorted(flowSchemaOrder);
    const missing = (name: string): FlowSchema[] =>
      found.some(({ metadata }) => metadata?.name === name)
        ? []
        : [byName(defaultSchemas, name) as FlowSchema];
    const schemas = [...missing(exemptName), ...found, ...missing(catchAllName)].flatMap((object) => {
      const level = this.levels.get(object.spec?.priorityLevelConfiguration.name ?? "");
      if (!level || level.leaving) return [];
      const name = object.metadata?.name ?? "";
      return [{ object, name, uid: object.metadata?.uid ?? "", level, flows: new Map<string, Flow>() }];
    });
    this.#classifier = new Classifier<Schema>(schemas);
    this.#catchAll = schemas.find(({ name }) => name === catchAllName);
    this.#inFlight.room(this.levels.room);
  }

  #again(): void {
    this.#timer = this.#options.clock.timer(divideMs, () => {
      this.levels.divide();
      this.#again();
    });
  }
}

const byName = (objects: readonly KubeObject[], wanted: string): KubeObject | undefined =>
  objects.find(({ metadata }) => metadata?.name === wanted);
