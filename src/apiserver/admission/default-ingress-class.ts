import type { Ingress, IngressClass } from "../../api/index.ts";
import type { AdmissionPlugin } from "./chain.ts";
import type { PluginContext } from "./context.ts";
import { newestMarked } from "./default-class.ts";

const mark = "ingressclass.kubernetes.io/is-default-class";
const oldAnnotation = "kubernetes.io/ingress.class";

/** DefaultIngressClass: a new Ingress that names no class gets the default one. */
export function defaultIngressClass({ caches }: PluginContext): AdmissionPlugin {
  return {
    name: "DefaultIngressClass",
    admit({ resource, operation, object, subresource }) {
      const { group, plural } = resource.def;
      if (operation !== "CREATE" || group !== "networking.k8s.io" || plural !== "ingresses" || subresource)
        return;
      const ingress = object as Ingress;
      if (ingress.spec?.ingressClassName !== undefined) return;
      if (ingress.metadata?.annotations?.[oldAnnotation] !== undefined) return;
      const found = newestMarked(caches.list<IngressClass>("networking.k8s.io", "ingressclasses"), mark);
      if (found) ingress.spec = { ...ingress.spec, ingressClassName: found };
    },
  };
}
