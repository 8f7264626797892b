/** Metrics of requests. */
import { AdmissionMetrics } from "./admission.ts";
import { AuthMetrics } from "./auth.ts";
import { ConversionMetrics } from "./conversion.ts";
import { IdentityMetrics } from "./identity.ts";
import { ImpersonationMetrics } from "./impersonation.ts";
import { ListMetrics } from "./lists.ts";
import type { MetricsRegistry } from "./registry.ts";
import { RequestMetrics } from "./requests.ts";
import { RestClientMetrics } from "./rest-client.ts";
import { StorageMetrics } from "./storage.ts";
import { X509Metrics } from "./x509.ts";
import { WatchMetrics } from "./watches.ts";

export class Meters {
  readonly requests: RequestMetrics;
  readonly identity: IdentityMetrics;
  readonly admission: AdmissionMetrics;
  readonly watches: WatchMetrics;
  readonly storage: StorageMetrics;
  readonly conversion: ConversionMetrics;
  readonly auth: AuthMetrics;
  readonly impersonation: ImpersonationMetrics;
  readonly lists: ListMetrics;
  readonly restClient: RestClientMetrics;
  /** Certificates of extension servers. */
  readonly extensions: X509Metrics;

  constructor(registry: MetricsRegistry) {
    this.requests = new RequestMetrics(registry);
    this.identity = new IdentityMetrics(registry);
    this.restClient = new RestClientMetrics(registry);
    this.extensions = new X509Metrics(registry, "kube_aggregator");
    this.admission = new AdmissionMetrics(registry, this.restClient);
    this.watches = new WatchMetrics(registry);
    this.storage = new StorageMetrics(registry);
    this.conversion = new ConversionMetrics(registry);
    this.auth = new AuthMetrics(registry);
    this.impersonation = new ImpersonationMetrics(registry);
    this.lists = new ListMetrics(registry);
  }
}
