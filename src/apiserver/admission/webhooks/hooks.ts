/** The configured webhooks whose rules match a request, remembered by operation and resource. */
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

/** A webhook that matches a request, and the version in which it does. */
export interface Called {
  hook: Webhook;
  /** Unique among the webhooks of its kind. */
  id: string;
  /** The configuration's name. */
  configuration: string;
  /** Its index among the webhooks of its kind. */
  index: number;
  resource: ServedResource;
}

const none: readonly Called[] = [];
const group = "admissionregistration.k8s.io";

export class Hooks {
  readonly #caches: ObjectCaches;
  readonly #registry: Registry;
  readonly #plural: string;
  /** By operation, resource and subresource; dropped when a configuration or the served resources change. */
  #known = new Map<string, readonly Called[]>();
  #generation = 0;

  /** `changed`: called after every change of a configuration. */
  constructor(caches: ObjectCaches, registry: Registry, plural: string, changed: () => void) {
    this.#caches = caches;
    this.#registry = registry;
    this.#plural = plural;
    caches.onChange(group, plural, () => {
      this.#known.clear();
      changed();
    });
  }

  /** The caBundles of all webhooks. */
  bundles(): string[] {
    return this.#configurations().flatMap(({ webhooks = [] }) =>
      (webhooks as Webhook[]).map(({ clientConfig }) => clientConfig.caBundle ?? ""),
    );
  }

  /**
   * The webhooks whose rules match the request, ordered by the names of their configurations and within one in its order.
   * Selectors are checked with `selects` just before the call, on the object as changed by then.
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

  /** True when its selectors match the request as it is now. */
  readonly selects = ({ hook }: Called, request: AdmissionRequest): boolean =>
    namespaceSelected(hook.namespaceSelector, request, this.#caches) &&
    objectSelected(hook.objectSelector, request);

  #configurations(): readonly (MutatingWebhookConfiguration | ValidatingWebhookConfiguration)[] {
    return this.#caches.list(group, this.#plural);
  }

  #find(request: AdmissionRequest): readonly Called[] {
    const found: Called[] = [];
    let index = 0;
    for (const { metadata, webhooks = [] } of this.#configurations()) {
      const configuration = metadata?.name ?? "";
      for (const hook of webhooks as Webhook[]) {
        const resource = matchedVersion(hook.rules ?? [], hook.matchPolicy, request, this.#registry);
        const id = `${configuration}/${hook.name}/${index}`;
        if (resource) found.push({ hook, id, configuration, index, resource });
        index++;
      }
    }
    return found;
  }
}
