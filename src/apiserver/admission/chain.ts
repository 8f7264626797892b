import type { KubeObject } from "../../api/index.ts";
import type { UserInfo } from "../auth-contract.ts";
import type { AuditTrail, RequestInfo } from "../contract.ts";
import type { ServedResource } from "../registry/resource.ts";

export interface GroupVersionKind {
  group: string;
  version: string;
  kind: string;
}

/**
 * Plugins that change the object may be asked once more, since who came before a change has not seen it: a plugin that
 * changed something sets `wanted`, and then all plugins run again.
 */
export class Reinvocation {
  /** The second time. */
  again = false;
  wanted = false;
  /** What a plugin wants to know the second time, by its name. */
  readonly notes = new Map<string, unknown>();
}

/** What is about to be written, as admission plugins see it. */
export interface AdmissionRequest {
  operation: "CREATE" | "UPDATE" | "DELETE" | "CONNECT";
  resource: ServedResource;
  info: RequestInfo;
  subresource: string;
  namespace: string;
  /** "" for a name that is to be generated, and for each object of a collection that is deleted. */
  name: string;
  /** What the objects are: subresources may have a kind of their own (Scale, Binding). */
  kind: GroupVersionKind;
  /** CreateOptions, UpdateOptions, DeleteOptions (meta.k8s.io/v1); null for connections. */
  options: object | null;
  reinvocation: Reinvocation;
  /** The new object, in stored spelling if it is of the resource's kind; plugins that admit may change it. Absent for DELETE. */
  object: KubeObject | undefined;
  /** Read only. */
  oldObject: KubeObject | undefined;
  user: UserInfo;
  dryRun: boolean;
  warnings: string[];
  /** Where plugins note what is to be recorded; undefined where nothing is. */
  audit?: Pick<AuditTrail, "annotate" | "annotateBody"> | undefined;
}

export interface AdmissionPlugin {
  readonly name: string;
  /** Looks at connections (exec, attach, port-forward, proxy) too; others never see them. */
  readonly connects?: boolean;
  /** May change the object. Throws StatusError to refuse. */
  admit?(request: AdmissionRequest): void | Promise<void>;
  /** Takes what only one object may have (addresses, ports). Runs after the kind's own preparation of the object. */
  allocate?(request: AdmissionRequest): void;
  /** May only refuse. Runs after every `admit` and after the kind's own validation. */
  validate?(request: AdmissionRequest): void | Promise<void>;
  /** Gives back what `allocate` took: the write failed, was a dry run, or is in the cache by now. */
  release?(request: AdmissionRequest): void;
}

export class AdmissionChain {
  readonly #plugins: readonly AdmissionPlugin[];

  constructor(plugins: readonly AdmissionPlugin[]) {
    this.#plugins = plugins;
  }

  async admit(request: AdmissionRequest): Promise<void> {
    await admitTwice(this.#plugins, request);
  }

  async validate(request: AdmissionRequest): Promise<void> {
    for (const plugin of this.#plugins) {
      const pending = plugin.validate?.(request);
      if (pending) await pending;
    }
  }

  /** Of a connection: whoever looks at those at all, first what may change, then what may only refuse. */
  async connect(request: AdmissionRequest): Promise<void> {
    const asked = this.#plugins.filter((plugin) => plugin.connects);
    await admitTwice(asked, request);
    for (const plugin of asked) await plugin.validate?.(request);
  }

  allocate(request: AdmissionRequest): void {
    for (const plugin of this.#plugins) plugin.allocate?.(request);
  }

  release(request: AdmissionRequest): void {
    for (const plugin of this.#plugins) plugin.release?.(request);
  }
}

async function admitTwice(plugins: readonly AdmissionPlugin[], request: AdmissionRequest): Promise<void> {
  await admitOnce(plugins, request);
  const { reinvocation } = request;
  if (!reinvocation.wanted) return;
  reinvocation.again = true;
  await admitOnce(plugins, request);
}

async function admitOnce(plugins: readonly AdmissionPlugin[], request: AdmissionRequest): Promise<void> {
  for (const plugin of plugins) {
    const pending = plugin.admit?.(request);
    if (pending) await pending;
  }
}
