/** Defaults of pods and pod templates. */
import { formatQuantity, noteEmptied, wasEmptied } from "../../../machinery/index.ts";
import type { Parts } from "../../definition.ts";
import type {
  Container,
  Pod,
  PodSpec,
  PodStatus,
  PodTemplateSpec,
  Probe,
  Volume,
} from "../../generated/types.ts";
import { isHugePages } from "../resource-names.ts";
import { defaultSource } from "../volume-defaults.ts";
import { imageTag } from "./image.ts";
import { aggregate } from "./resources.ts";

/** Always for `:latest` or without a tag, unless the image has a digest. */
const defaultPullPolicy = (image: string): "Always" | "IfNotPresent" =>
  imageTag(image) === "latest" ? "Always" : "IfNotPresent";

function defaultProbe(probe: Probe): void {
  probe.timeoutSeconds ||= 1;
  probe.periodSeconds ||= 10;
  probe.successThreshold ||= 1;
  probe.failureThreshold ||= 3;
  if (probe.httpGet) defaultHttpGet(probe.httpGet);
  if (probe.grpc) probe.grpc.service ??= "";
}

function defaultHttpGet(action: { path?: string; scheme?: string }): void {
  action.path ||= "/";
  action.scheme ||= "HTTP";
}

function defaultContainer(container: Container): void {
  container.imagePullPolicy ||= defaultPullPolicy(container.image ?? "");
  container.terminationMessagePath ||= "/dev/termination-log";
  container.terminationMessagePolicy ||= "File";
  container.resources ??= {};
  for (const port of container.ports ?? []) port.protocol ||= "TCP";
  for (const each of container.env ?? []) {
    if (each.valueFrom?.fieldRef) each.valueFrom.fieldRef.apiVersion ||= "v1";
    if (each.valueFrom?.fileKeyRef) each.valueFrom.fileKeyRef.optional ??= false;
    if (each.valueFrom?.resourceFieldRef) each.valueFrom.resourceFieldRef.divisor ??= "0";
  }
  if (container.livenessProbe) defaultProbe(container.livenessProbe);
  if (container.readinessProbe) defaultProbe(container.readinessProbe);
  if (container.startupProbe) defaultProbe(container.startupProbe);
  const { postStart, preStop } = container.lifecycle ?? {};
  if (postStart?.httpGet) defaultHttpGet(postStart.httpGet);
  if (preStop?.httpGet) defaultHttpGet(preStop.httpGet);
}

/** 0644, decimal as in JSON. */
const ordinaryMode = 0o644;

function defaultDownwardItems(
  items: { fieldRef?: { apiVersion?: string }; resourceFieldRef?: { divisor?: string } }[] | undefined,
): void {
  for (const item of items ?? []) {
    if (item.fieldRef) item.fieldRef.apiVersion ||= "v1";
    if (item.resourceFieldRef) item.resourceFieldRef.divisor ??= "0";
  }
}

function defaultVolume(volume: Volume): void {
  let sources = 0;
  for (const name in volume) if (name !== "name") sources++;
  if (sources === 0) volume.emptyDir = {};
  defaultSource(volume);
  if (volume.secret) volume.secret.defaultMode ??= ordinaryMode;
  if (volume.configMap) volume.configMap.defaultMode ??= ordinaryMode;
  if (volume.downwardAPI) {
    volume.downwardAPI.defaultMode ??= ordinaryMode;
    defaultDownwardItems(volume.downwardAPI.items);
  }
  if (volume.projected) {
    volume.projected.defaultMode ??= ordinaryMode;
    for (const source of volume.projected.sources ?? []) {
      if (source.serviceAccountToken) source.serviceAccountToken.expirationSeconds ??= 3600;
      defaultDownwardItems(source.downwardAPI?.items);
    }
  }
  const claim = volume.ephemeral?.volumeClaimTemplate;
  if (claim) {
    claim.spec ??= {};
    claim.spec.volumeMode ??= "Filesystem";
  }
  if (volume.image) volume.image.pullPolicy ||= defaultPullPolicy(volume.image.reference ?? "");
}

/** For pods and templates. */
function defaultPodSpec(spec: PodSpec): void {
  spec.dnsPolicy ||= "ClusterFirst";
  spec.restartPolicy ||= "Always";
  spec.securityContext ??= {};
  spec.terminationGracePeriodSeconds ??= 30;
  spec.schedulerName ||= "default-scheduler";
  // `serviceAccount` is the deprecated alias; both are always set.
  const account = spec.serviceAccountName || spec.serviceAccount;
  if (account) {
    spec.serviceAccountName = account;
    spec.serviceAccount = account;
  }
  for (const container of spec.containers ?? []) defaultContainer(container);
  for (const container of spec.initContainers ?? []) defaultContainer(container);
  for (const container of spec.ephemeralContainers ?? []) defaultContainer(container as Container);
  for (const volume of spec.volumes ?? []) defaultVolume(volume);
}

function requestsFromLimits(container: Container): void {
  const limits = container.resources?.limits;
  if (wasEmptied(container.resources, "limits") && !container.resources?.requests)
    noteEmptied(container.resources as object, "requests");
  if (!limits || !container.resources) return;
  container.resources.requests ??= {};
  for (const name in limits) container.resources.requests[name] ??= limits[name] as string;
}

/** podIPs is the newer field: each is the default of the other, and if they differ the older one counts. */
function pairAddresses(status: PodStatus): void {
  const first = status.podIPs?.[0]?.ip;
  if (status.podIP && first !== status.podIP) status.podIPs = [{ ip: status.podIP }];
  else if (!status.podIP && first) status.podIP = first;
}

/** Missing pod-level requests and limits default to the sum of the containers'. */
function defaultPodResources(spec: PodSpec): void {
  const own = spec.resources;
  if (!own) return;
  const { requests: asked = {} } = own;
  const limits = { ...own.limits };
  if (Object.keys(limits).length > 0 || Object.keys(asked).length > 0) {
    for (const [name, sum] of aggregate(spec, "limits"))
      if (isHugePages(name) && asked[name] === undefined) limits[name] ??= formatQuantity(sum);
    if (Object.keys(limits).length > 0) own.limits = limits;
  }
  if (Object.keys(limits).length === 0) return;
  const requests = { ...asked };
  for (const [name, sum] of aggregate(spec, "requests"))
    if (name === "cpu" || name === "memory") requests[name] ??= formatQuantity(sum);
  for (const name in limits)
    if (name === "cpu" || name === "memory" || isHugePages(name)) requests[name] ??= limits[name] as string;
  if (Object.keys(requests).length > 0) own.requests = requests;
}

/** `same`: parts that already have their defaults. */
export function defaultPod(pod: Pod, same?: Parts): void {
  if (pod.status && pod.status !== same?.status) pairAddresses(pod.status);
  if (pod.spec && pod.spec === same?.spec) return;
  const spec = (pod.spec ??= { containers: [] });
  for (const container of spec.containers ?? []) requestsFromLimits(container);
  for (const container of spec.initContainers ?? []) requestsFromLimits(container);
  spec.enableServiceLinks ??= true;
  defaultPodResources(spec);
  if (spec.hostNetwork) {
    for (const container of [...(spec.containers ?? []), ...(spec.initContainers ?? [])]) {
      for (const port of container.ports ?? []) port.hostPort ||= port.containerPort;
    }
  }
  defaultPodSpec(spec);
}

export function defaultPodTemplate(template: PodTemplateSpec | undefined): void {
  if (!template) return;
  template.metadata ??= {};
  // Not an empty list: messages distinguish none from an empty one.
  template.spec ??= {} as PodSpec;
  defaultPodSpec(template.spec);
}
