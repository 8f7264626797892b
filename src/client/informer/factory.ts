import type { KubeObject } from "../../api/index.ts";
import type { Clock, Logger } from "../../machinery/index.ts";
import type { ResourceClient } from "../resource.ts";
import { createInformer, type Informer, type InformerOptions } from "./informer.ts";

export interface InformerFactory {
  /** The shared informer of all objects of this resource. */
  of<T extends KubeObject>(resource: ResourceClient<T>, options?: SharedOptions<T>): Informer<T>;
  /** The existing informer, whatever its transform. */
  existing(group: string, plural: string): Informer<KubeObject> | undefined;
  /** Resolves when every informer requested so far is filled. */
  synced(): Promise<void>;
  /** Resolves when every watch has ended. */
  ended(): Promise<void>;
}

/** Only the first caller's transform is used. */
export type SharedOptions<T extends KubeObject> = Pick<
  InformerOptions<T>,
  "namespace" | "labelSelector" | "fieldSelector" | "transform"
>;

export function createInformerFactory(base: {
  clock: Clock;
  log: Logger;
  signal: AbortSignal;
  random?: (() => number) | undefined;
}): InformerFactory {
  const informers = new Map<string, Informer<KubeObject>>();
  const name = (group: string, plural: string): string => `${plural}.${group}`;
  return {
    of<T extends KubeObject>(resource: ResourceClient<T>, options: SharedOptions<T> = {}) {
      const { namespace, labelSelector, fieldSelector } = options;
      const narrow = [namespace, labelSelector, fieldSelector].some((each) => each !== undefined);
      const key =
        name(resource.group, resource.plural) +
        (narrow ? `?${JSON.stringify([namespace, labelSelector, fieldSelector])}` : "");
      const known = informers.get(key);
      if (known) return known as unknown as Informer<T>;
      const made = createInformer<T>({ ...base, resource, ...options });
      informers.set(key, made as unknown as Informer<KubeObject>);
      return made;
    },
    existing: (group, plural) => informers.get(name(group, plural)),
    async synced() {
      await Promise.all([...informers.values()].map((each) => each.synced));
    },
    async ended() {
      await Promise.all([...informers.values()].map((each) => each.ended));
    },
  };
}
