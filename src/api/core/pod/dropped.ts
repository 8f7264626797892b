/** Fields of disabled features: dropped from new objects, kept if the old one had them. */
import type { Container, PodSpec, PodTemplateSpec } from "../../generated/types.ts";
import { containersOf } from "./resources.ts";

type Projection = "clusterTrustBundle" | "podCertificate";

const projects = (spec: PodSpec | undefined, source: Projection): boolean =>
  spec?.volumes?.some((volume) => volume.projected?.sources?.some((each) => each[source])) ?? false;

function dropProjections(spec: PodSpec, old: PodSpec | undefined): void {
  for (const source of ["clusterTrustBundle", "podCertificate"] as const) {
    if (projects(old, source)) continue;
    for (const volume of spec.volumes ?? [])
      for (const each of volume.projected?.sources ?? []) delete each[source];
  }
}

const stops = (container: Container): boolean => container.lifecycle?.stopSignal !== undefined;

function dropStopSignals(spec: PodSpec, old: PodSpec | undefined): void {
  if (old && containersOf(old, "").some(([each]) => stops(each))) return;
  for (const [container] of containersOf(spec, "")) {
    if (!container.lifecycle || !stops(container)) continue;
    delete container.lifecycle.stopSignal;
    if (!container.lifecycle.postStart && !container.lifecycle.preStop) delete container.lifecycle;
  }
}

export function dropDisabled(spec: PodSpec | undefined, old?: PodSpec): void {
  if (!spec) return;
  dropProjections(spec, old);
  dropStopSignals(spec, old);
  if (!old?.schedulingGroup) delete spec.schedulingGroup;
}

export const dropDisabledOfTemplate = (template: PodTemplateSpec | undefined, old?: PodTemplateSpec): void =>
  dropDisabled(template?.spec, old?.spec);
