import type { KubeObject } from "../../api/index.ts";
import type { UserInfo } from "../auth-contract.ts";
import type { RequestInfo } from "../contract.ts";
import type { ServedResource } from "../registry/resource.ts";

/** What is about to be written, as admission plugins see it. */
export interface AdmissionRequest {
  operation: "CREATE" | "UPDATE" | "DELETE" | "CONNECT";
  resource: ServedResource;
  info: RequestInfo;
  subresource: string;
  namespace: string;
  name: string;
  /** The new object, in the request's spelling; plugins that admit may change it. Absent for DELETE. */
  object: KubeObject | undefined;
  /** Read only. */
  oldObject: KubeObject | undefined;
  user: UserInfo;
  dryRun: boolean;
  warnings: string[];
  /** Where plugins note what is to be recorded; undefined where nothing is. */
  audit?: { annotate(key: string, value: string): void } | undefined;
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
    for (const plugin of this.#plugins) {
      const pending = plugin.admit?.(request);
      if (pending) await pending;
    }
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
    for (const plugin of asked) await plugin.admit?.(request);
    for (const plugin of asked) await plugin.validate?.(request);
  }

  allocate(request: AdmissionRequest): void {
    for (const plugin of this.#plugins) plugin.allocate?.(request);
  }

  release(request: AdmissionRequest): void {
    for (const plugin of this.#plugins) plugin.release?.(request);
  }
}
