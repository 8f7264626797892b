/** Allocates node ports of Services, including those of health checks. */
import { type Service, serviceRules, type ServiceSpec } from "../../api/index.ts";
import { StatusError } from "../../machinery/index.ts";
import type { AdmissionRequest } from "../admission/chain.ts";
import { type PoolMeters, poolFamilies } from "../metrics/allocation.ts";
import { allocationFailed, rangeIsFull, refuseValue } from "./allocation-errors.ts";
import type { AllocationContext } from "./allocation-context.ts";
import { Pool } from "./pool.ts";
import { Taken } from "./taken.ts";

const { hasNodePorts, needsHealthCheckPort, needsNodePorts } = serviceRules;

const defaultRange = { from: 30000, to: 32767 };

/** A Service being written. */
interface Asked {
  request: AdmissionRequest;
  spec: ServiceSpec;
  owner: string;
  /** Ports allocated by this request so far. */
  held: Set<number>;
}

export class NodePorts {
  readonly #range: { from: number; to: number };
  readonly taken = new Taken();
  readonly #pool: Pool;
  readonly #meters: PoolMeters | undefined;

  constructor({ network, random, registry }: AllocationContext) {
    this.#range = network.nodePorts ?? defaultRange;
    const { from, to } = this.#range;
    const size = to - from + 1;
    this.#pool = new Pool(from, size, Math.min(86, Math.floor(size / 32)), random, this.taken);
    this.#meters = registry && poolFamilies(registry, "nodeport")(undefined, () => this.#pool.state);
  }

  /** The ports of a Service. */
  numbersOf({ spec }: Service): number[] {
    const ports = [...(spec?.ports ?? []).map(({ nodePort }) => nodePort), spec?.healthCheckNodePort];
    return ports.flatMap((port) => port || []);
  }

  /** `before`: undefined for a new Service; for an update only new ports are allocated. */
  allocate(
    request: AdmissionRequest,
    spec: ServiceSpec,
    before: ServiceSpec | undefined,
    owner: string,
  ): void {
    const asked = { request, spec, owner, held: new Set<number>() };
    if (hasNodePorts(spec)) {
      if (before) this.#change(asked, before);
      else this.#allocateAll(asked);
    }
    if (needsHealthCheckPort(spec) && !(before && needsHealthCheckPort(before)))
      this.#allocateHealthCheck(asked);
  }

  /** Ports with the same number (of several protocols) share a node port. */
  #allocateAll(asked: Asked): void {
    const { spec } = asked;
    const byPort = new Map<number, number>();
    const all = spec.ports ?? [];
    for (const [i, port] of all.entries()) {
      if (!port.nodePort && !needsNodePorts(spec)) continue;
      const known = byPort.get(port.port);
      if (known !== undefined) {
        if (port.nodePort && port.nodePort !== known) this.#hold(asked, port.nodePort, i);
        port.nodePort ||= known;
        continue;
      }
      const wanted = all.find((each) => each.port === port.port && each.nodePort)?.nodePort;
      if (wanted) this.#hold(asked, wanted, i);
      port.nodePort = wanted ?? this.#take(asked);
      byPort.set(port.port, port.nodePort);
    }
  }

  #change(asked: Asked, before: ServiceSpec): void {
    const { spec, held } = asked;
    const old = new Set((before.ports ?? []).map(({ nodePort }) => nodePort));
    const seen = new Set<string>();
    for (const [i, port] of (spec.ports ?? []).entries()) {
      if (!port.nodePort && !needsNodePorts(spec)) continue;
      if (!port.nodePort) port.nodePort = this.#take(asked);
      else if (!old.has(port.nodePort) && !held.has(port.nodePort)) this.#hold(asked, port.nodePort, i);
      const key = `{${port.protocol} ${port.nodePort}}`;
      if (seen.has(key)) throw new StatusError("", `duplicate nodePort: ${key}`, { code: 500 });
      seen.add(key);
    }
  }

  #allocateHealthCheck(asked: Asked): void {
    const { spec } = asked;
    const wanted = spec.healthCheckNodePort;
    if (!wanted) {
      spec.healthCheckNodePort = this.#take(asked);
      return;
    }
    const problem = this.#problem(asked, wanted);
    if (problem)
      throw allocationFailed(`failed to allocate requested HealthCheck NodePort ${wanted}: ${problem}`);
    this.taken.hold(wanted, asked.owner, asked.request);
  }

  #hold(asked: Asked, port: number, index: number): void {
    const problem = this.#problem(asked, port);
    if (problem) {
      this.#meters?.failed("static");
      refuseValue(asked.request, `spec.ports[${index}].nodePort`, port, problem);
    }
    this.taken.hold(port, asked.owner, asked.request);
    asked.held.add(port);
    this.#meters?.allocated("static");
  }

  #take({ owner, request }: Asked): number {
    const taken = this.#pool.take(owner, request);
    if (taken === undefined) {
      this.#meters?.failed("dynamic");
      throw rangeIsFull("a nodePort");
    }
    this.#meters?.allocated("dynamic");
    return taken;
  }

  /** Why this port is not available. */
  #problem({ request, owner, held }: Asked, port: number): string | undefined {
    const { from, to } = this.#range;
    // Kubernetes checks the range only when it allocates the port.
    if (!request.dryRun && !this.#pool.contains(port))
      return `provided port is not in the valid range. The range of valid ports is ${from}-${to}`;
    const free = this.taken.isFree(port, owner) && !held.has(port);
    return free ? undefined : "provided port is already allocated";
  }
}
