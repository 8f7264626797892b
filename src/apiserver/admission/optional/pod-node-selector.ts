/** PodNodeSelector: restricts pods to nodes with the labels in their namespace's annotation, or in the cluster's default. */
import type { Namespace, Pod } from "../../../api/index.ts";
import { goQuote, isLabelValue, isObject, isQualifiedName, StatusError } from "../../../machinery/index.ts";
import { forbidden, notFound } from "../../errors.ts";
import type { AdmissionPlugin, AdmissionRequest } from "../chain.ts";
import type { PluginContext } from "../context.ts";
import { podOf } from "../pod-of.ts";

type Labels = ReadonlyMap<string, string>;

const annotation = "scheduler.alpha.kubernetes.io/node-selector";
const clusterDefault = "clusterDefaultNodeSelector";

export function podNodeSelector({ caches, configuration }: PluginContext): AdmissionPlugin {
  const told = selectorsOf(configuration?.get("PodNodeSelector"));
  const ofNamespace = (name: string): Labels => {
    const namespace = caches.get<Namespace>("", "namespaces", undefined, name);
    if (!namespace) throw notFound({ group: "", kind: "Namespace", plural: "namespaces" }, name);
    return readLabels(namespace.metadata?.annotations?.[annotation] ?? told.get(clusterDefault));
  };
  const judge = (request: AdmissionRequest, pod: Pod, wanted: Labels): void => {
    const own = Object.entries(pod.spec?.nodeSelector ?? {});
    if (own.some(([key, value]) => wanted.has(key) && wanted.get(key) !== value))
      throw refused(request, pod, "pod node label selector conflicts with its namespace node label selector");
    const allowed = readLabels(told.get(request.namespace));
    if (allowed.size > 0 && own.some(([key, value]) => allowed.get(key) !== value))
      throw refused(request, pod, "pod node label selector labels conflict with its namespace whitelist");
  };
  return {
    name: "PodNodeSelector",
    admit(request) {
      const pod = newPod(request);
      if (!pod) return;
      const wanted = ofNamespace(request.namespace);
      const before = pod.spec?.nodeSelector ?? {};
      const merged = { ...Object.fromEntries(wanted), ...before };
      if (Object.keys(merged).length > Object.keys(before).length)
        pod.spec = { ...(pod.spec as NonNullable<Pod["spec"]>), nodeSelector: merged };
      judge(request, pod, wanted);
    },
    validate(request) {
      const pod = newPod(request);
      if (pod) judge(request, pod, ofNamespace(request.namespace));
    },
  };
}

const newPod = (request: AdmissionRequest): Pod | undefined =>
  request.operation === "CREATE" ? podOf(request) : undefined;

const refused = ({ resource }: AdmissionRequest, { metadata }: Pod, why: string): StatusError =>
  forbidden(resource.def, metadata?.name ?? "", why);

/** Selectors by namespace; ignores values of other types. */
function selectorsOf(value: unknown): Labels {
  const [, selectors] =
    Object.entries(isObject(value) ? value : {}).find(([name]) =>
      /^podNodeSelectorPluginConfig$/i.test(name),
    ) ?? [];
  const entries = Object.entries(isObject(selectors) ? selectors : {});
  return new Map(entries.map(([name, text]) => [name, typeof text === "object" ? "" : String(text)]));
}

/** `a=b,c=d`. Throws 500 in kube-apiserver's words. */
function readLabels(text = ""): Labels {
  const wrong = (message: string): StatusError => new StatusError("", message);
  const labels = new Map<string, string>();
  for (const each of text === "" ? [] : text.split(",")) {
    const parts = each.split("=");
    if (parts.length !== 2) throw wrong(`invalid selector: [${parts.join(" ")}]`);
    const [key = "", value = ""] = parts.map((part) => part.trim());
    const ofKey = isQualifiedName(key);
    if (ofKey.length > 0) throw wrong(`<nil>: Invalid value: ${goQuote(key)}: ${ofKey.join("; ")}`);
    const ofValue = isLabelValue(value);
    if (ofValue.length > 0) throw wrong(`[${key}]: Invalid value: ${goQuote(value)}: ${ofValue.join("; ")}`);
    labels.set(key, value);
  }
  return labels;
}
