import type { Namespace, PodSpec } from "../../../api/index.ts";
import { type Evaluated, PodSecurityMetrics } from "../../metrics/pod-security.ts";
import type { AdmissionPlugin, AdmissionRequest } from "../chain.ts";
import type { PluginContext } from "../context.ts";
import { podSecurityConfig } from "./config.ts";
import { checkNamespace } from "./namespaces.ts";
import { checkPod } from "./pods.ts";
import { type Policy, policyOf } from "./policy.ts";
import { auditPrefix } from "./report.ts";
import { checkTemplate, hasTemplate } from "./templates.ts";

/** Subresources that do not change what the checks depend on. */
const harmless = new Set(["exec", "attach", "binding", "eviction", "log", "portforward", "proxy", "status"]);

/** PodSecurity: enforces the level of the Pod Security Standards in a namespace's labels. */
export function podSecurity({ caches, metrics, configuration }: PluginContext): AdmissionPlugin {
  const meters = new PodSecurityMetrics(metrics.registry);
  const { defaults, exempt } = podSecurityConfig(configuration?.get("PodSecurity"));
  const policyIn = (namespace: string): Policy =>
    policyOf(caches.get<Namespace>("", "namespaces", undefined, namespace)?.metadata?.labels, defaults);
  const exemptClass = (spec: PodSpec | undefined): boolean =>
    exempt.runtimeClasses.has(spec?.runtimeClassName ?? "");
  /** Why the request is exempt; undefined when it is not. */
  const exemption = ({ namespace, user }: AdmissionRequest): string | undefined =>
    exempt.namespaces.has(namespace) ? "namespace" : exempt.usernames.has(user.name) ? "user" : undefined;
  const letThrough = (request: AdmissionRequest, resource: Evaluated["resource"], why: string): void => {
    request.audit?.annotate(`${auditPrefix}exempt`, why);
    meters.exempted({ operation: request.operation, resource, subresource: request.subresource });
  };
  const namespaceCheck = { caches, defaults, exempt, exemptClass };
  return {
    name: "PodSecurity",
    validate(request) {
      if (request.operation !== "CREATE" && request.operation !== "UPDATE") return;
      const { def } = request.resource;
      const id = def.group === "" ? def.plural : `${def.plural}.${def.group}`;
      if (id === "pods") {
        if (harmless.has(request.subresource)) return;
        const why = exemption(request);
        if (why) letThrough(request, "pod", why);
        else if (!checkPod(request, policyIn(request.namespace), meters, exemptClass))
          letThrough(request, "pod", "runtimeClass");
      } else if (id === "namespaces") checkNamespace(request, namespaceCheck);
      else if (hasTemplate(id) && request.subresource === "") {
        const why = exemption(request);
        if (why) letThrough(request, "controller", why);
        else if (!checkTemplate(request, id, policyIn(request.namespace), meters, exemptClass))
          letThrough(request, "controller", "runtimeClass");
      }
    },
  };
}
