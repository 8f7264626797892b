/** What is measured while requests are served. */
import { AdmissionMetrics } from "./admission.ts";
import { ConversionMetrics } from "./conversion.ts";
import { IdentityMetrics } from "./identity.ts";
import type { MetricsRegistry } from "./registry.ts";
import { RequestMetrics } from "./requests.ts";
import { StorageMetrics } from "./storage.ts";
import { WatchMetrics } from "./watches.ts";

export class Meters {
  readonly requests: RequestMetrics;
  readonly identity: IdentityMetrics;
  readonly admission: AdmissionMetrics;
  readonly watches: WatchMetrics;
  readonly storage: StorageMetrics;
  readonly conversion: ConversionMetrics;

  constructor(registry: MetricsRegistry) {
    this.requests = new RequestMetrics(registry);
    this.identity = new IdentityMetrics(registry);
    this.admission = new AdmissionMetrics(registry);
    this.watches = new WatchMetrics(registry);
    this.storage = new StorageMetrics(registry);
    this.conversion = new ConversionMetrics(registry);
  }
}
