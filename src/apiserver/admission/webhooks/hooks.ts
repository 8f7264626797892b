/** The configured webhooks, found by what a request is about without looking at every configuration each time. */
import type {
  MutatingWebhook,
  MutatingWebhookConfiguration,
  ValidatingWebhook,
  ValidatingWebhookConfiguration,
} from "../../../api/index.ts";
import type { ObjectCaches } from "../../cache/objects.ts";
import type { Registry } from "../../registry/registry.ts";
import type { ServedResource } from "../../registry/resource.ts";
import type { AdmissionRequest } from "../chain.ts";
import { isExempt, matchedVersion, namespaceSelected, objectSelected } from "../matching/rules.ts";

export type Webhook = (MutatingWebhook | ValidatingWebhook) & { reinvocationPolicy?: string };

/** A webhook that wants to see a request, and in which version. */
export interface Called {
  hook: Webhook;
  resource: ServedResource;
}

const none: readonly Called[] = [];
const group = "admissionregistration.k8s.io";

export class Hooks {
  readonly #caches: ObjectCaches;
  readonly #registry: Registry;
  readonly #plural: string;
  /** By what requests are about; forgotten when a configuration or what is served changes. */
  #known = new Map<string, readonly Called[]>();
  #generation = 0;

  constructor(caches: ObjectCaches, registry: Registry, plural: string) {
    this.#caches = caches;
    this.#registry = registry;
    this.#plural = plural;
    caches.onChange(group, plural, () => this.#known.clear());
  }

  /**
   * Those whose rules speak of the request, in the order of their configurations' names and within one in its order. Their
   * selectors are asked with `selects` when their turn comes: what was changed before counts.
   */
  of(request: AdmissionRequest): readonly Called[] {
    const { resource } = request;
    if (this.#caches.of(group, this.#plural).size === 0 || isExempt(resource)) return none;
    if (this.#generation !== this.#registry.generation) {
      this.#generation = this.#registry.generation;
      this.#known.clear();
    }
    const { def } = resource;
    const key = `${request.operation} ${def.group}/${def.version}/${def.plural}/${request.subresource}`;
    let called = this.#known.get(key);
    if (!called) {
      called = this.#find(request);
      this.#known.set(key, called);
    }
    return called;
  }

  /** True when its selectors take the request as it is now. */
  selects({ hook }: Called, request: AdmissionRequest): boolean {
    return (
      namespaceSelected(hook.namespaceSelector, request, this.#caches) &&
      objectSelected(hook.objectSelector, request)
    );
  }

  #find(request: AdmissionRequest): readonly Called[] {
    const found: Called[] = [];
    const configurations = this.#caches.list<MutatingWebhookConfiguration | ValidatingWebhookConfiguration>(
      group,
      this.#plural,
    );
    for (const { webhooks = [] } of configurations) {
      for (const hook of webhooks as Webhook[]) {
        const resource = matchedVersion(hook.rules ?? [], hook.matchPolicy, request, this.#registry);
        if (resource) found.push({ hook, resource });
      }
    }
    return found;
  }
}
