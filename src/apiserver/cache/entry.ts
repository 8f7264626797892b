import type { KubeObject } from "../../api/index.ts";

/** One revision of one object: its bytes, made once, and whatever was read out of them so far. Never changed. */
export class Entry {
  /** `namespace/name`, or `name` for cluster-scoped objects. */
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  /** Mod revision: `metadata.resourceVersion`. */
  readonly revision: number;
  /** The whole object as JSON, with kind, apiVersion and resourceVersion. */
  readonly json: Buffer;
  #object: KubeObject | undefined;

  constructor(key: string, revision: number, json: Buffer, object: KubeObject | undefined) {
    const slash = key.indexOf("/");
    this.key = key;
    this.namespace = slash < 0 ? "" : key.slice(0, slash);
    this.name = slash < 0 ? key : key.slice(slash + 1);
    this.revision = revision;
    this.json = json;
    this.#object = object;
  }

  /** Shared by everybody who asks: read only. */
  get object(): KubeObject {
    this.#object ??= JSON.parse(this.json.toString()) as KubeObject;
    return this.#object;
  }

  /** A copy that the caller may change. */
  copy(): KubeObject {
    return JSON.parse(this.json.toString()) as KubeObject;
  }

  get labels(): Readonly<Record<string, string>> | undefined {
    return this.object.metadata?.labels;
  }
}
