/** Volumes of pods. */
import {
  compareQuantity,
  duplicate,
  forbidden,
  invalid,
  isDns1123Label,
  isDns1123Subdomain,
  notSupported,
  required,
  wasEmptied,
} from "../../../machinery/index.ts";
import type { FieldError } from "../../definition.ts";
import type {
  ConfigMapVolumeSource,
  DownwardAPIVolumeSource,
  EmptyDirVolumeSource,
  EphemeralVolumeSource,
  GitRepoVolumeSource,
  ImageVolumeSource,
  PodSpec,
  ProjectedVolumeSource,
  SecretVolumeSource,
  Volume,
} from "../../generated/types.ts";
import type { ObjectMeta } from "../../meta.ts";
import { validateAnnotations, validateLabels } from "../../metadata.ts";
import { validateClaimSpec } from "../claim-spec.ts";
import { descending, fileMode } from "../path-rules.ts";
import { iscsiLengthText, refusedNames, severalText, sourceRules } from "../volume-sources.ts";
import type { PodContext } from "./context.ts";
import { validateDownwardFile, validateItem, validateProjected } from "./projected.ts";

type Rule<S> = (source: S, path: string, errors: FieldError[], context: PodContext) => void;

const emptyDir: Rule<EmptyDirVolumeSource> = ({ sizeLimit }, path, errors) => {
  if (sizeLimit !== undefined && compareQuantity(sizeLimit, "0") < 0)
    errors.push(forbidden(`${path}.sizeLimit`, "SizeLimit field must be a valid resource quantity"));
};

const gitRepo: Rule<GitRepoVolumeSource> = (source, path, errors) => {
  if (!source.repository) errors.push(required(`${path}.repository`));
  descending(source.directory ?? "", `${path}.directory`, errors);
};

const fromObject =
  (field: "secretName" | "name"): Rule<SecretVolumeSource & ConfigMapVolumeSource> =>
  (source, path, errors) => {
    if (!source[field]) errors.push(required(`${path}.${field}`));
    fileMode(source.defaultMode, `${path}.defaultMode`, errors);
    for (const [i, item] of (source.items ?? []).entries()) validateItem(item, `${path}.items[${i}]`, errors);
  };

const downwardAPI: Rule<DownwardAPIVolumeSource> = ({ defaultMode, items = [] }, path, errors) => {
  fileMode(defaultMode, `${path}.defaultMode`, errors);
  for (const file of items) validateDownwardFile(file, path, errors);
};

/** Metadata except labels and annotations, in the order of Go's fields. */
const untemplated =
  "name generateName namespace selfLink uid resourceVersion generation creationTimestamp deletionTimestamp deletionGracePeriodSeconds ownerReferences finalizers managedFields".split(
    " ",
  ) as (keyof ObjectMeta)[];

/** The metadata of a claim template: only labels and annotations are used. */
export function validateTemplateMeta(meta: ObjectMeta | undefined, path: string, errors: FieldError[]): void {
  validateAnnotations(meta?.annotations, `${path}.annotations`, errors);
  validateLabels(meta?.labels, `${path}.labels`, errors);
  // The path has Go's field name with a lower-case first letter.
  for (const name of untemplated)
    if (meta?.[name] !== undefined || wasEmptied(meta, name))
      errors.push(forbidden(`${path}.${name === "uid" ? "uID" : name}`, "cannot be set"));
}

const ephemeral: Rule<EphemeralVolumeSource> = ({ volumeClaimTemplate: template }, path, errors) => {
  const here = `${path}.volumeClaimTemplate`;
  if (!template) errors.push(required(here));
  else {
    validateTemplateMeta(template.metadata, `${here}.metadata`, errors);
    validateClaimSpec(template.spec ?? {}, `${here}.spec`, errors);
  }
};

const pullPolicies = ["Always", "IfNotPresent", "Never"];

export function validatePullPolicy(policy: string | undefined, path: string, errors: FieldError[]): void {
  if (!policy) errors.push(required(path));
  else if (!pullPolicies.includes(policy)) errors.push(notSupported(path, policy, pullPolicies));
}

const image: Rule<ImageVolumeSource> = (source, path, errors, { isPod }) => {
  if (isPod && !source.reference) errors.push(required(`${path}.reference`));
  validatePullPolicy(source.pullPolicy, `${path}.pullPolicy`, errors);
};

const podRules: Readonly<Record<string, Rule<never>>> = {
  emptyDir,
  gitRepo,
  secret: fromObject("secretName"),
  configMap: fromObject("name"),
  downwardAPI,
  projected: (source: ProjectedVolumeSource, path, errors) => validateProjected(source, path, errors),
  persistentVolumeClaim: (source: { claimName: string }, path, errors) => {
    if (!source.claimName) errors.push(required(`${path}.claimName`));
  },
  ephemeral,
  image,
};

/** In order of validation: a second source is rejected. */
const sources = [
  "emptyDir",
  "hostPath",
  "gitRepo",
  "gcePersistentDisk",
  "awsElasticBlockStore",
  "secret",
  "nfs",
  "iscsi",
  "glusterfs",
  "flocker",
  "persistentVolumeClaim",
  "rbd",
  "cinder",
  "cephfs",
  "quobyte",
  "downwardAPI",
  "fc",
  "flexVolume",
  "configMap",
  "azureFile",
  "vsphereVolume",
  "photonPersistentDisk",
  "portworxVolume",
  "azureDisk",
  "storageos",
  "projected",
  "scaleIO",
  "csi",
  "ephemeral",
  "image",
] as const;

function validateSource(volume: Volume, path: string, errors: FieldError[], context: PodContext): void {
  let found = 0;
  for (const name of sources) {
    const source = volume[name];
    if (source === undefined) continue;
    if (found++ > 0) {
      errors.push(forbidden(`${path}.${refusedNames[name] ?? name}`, severalText));
      continue;
    }
    const here = `${path}.${name}`;
    const own = podRules[name];
    if (own) own(source as never, here, errors, context);
    else sourceRules[name]?.(source as never, here, errors, { name: volume.name ?? "", persistent: false });
    if (name === "ephemeral") claimName(volume, path, errors, context);
  }
  const portal = volume.iscsi;
  if (portal?.initiatorName !== undefined && `${volume.name ?? ""}:${portal.targetPortal ?? ""}`.length > 64)
    errors.push(invalid(`${path}.name`, volume.name ?? "", iscsiLengthText));
  if (found === 0) errors.push(required(path, "must specify a volume type"));
}

/** The claim of an ephemeral volume is named by pod and volume. */
function claimName(volume: Volume, path: string, errors: FieldError[], { metadata }: PodContext): void {
  if (!metadata?.name || !volume.name) return;
  const name = `${metadata.name}-${volume.name}`;
  for (const text of isDns1123Subdomain(name))
    errors.push(invalid(`${path}.name`, volume.name, `PVC name ${JSON.stringify(name)}: ${text}`));
}

/** The valid volumes, which containers may use. */
export function validateVolumes(
  spec: PodSpec,
  path: string,
  errors: FieldError[],
  context: PodContext,
): Map<string, Volume> {
  const volumes = spec.volumes ?? [];
  const names = new Map<string, Volume>();
  const podName = context.metadata?.name;
  const made = new Set(
    podName ? volumes.filter((each) => each.ephemeral).map((each) => `${podName}-${each.name}`) : [],
  );
  for (const [i, volume] of volumes.entries()) {
    const here = `${path}[${i}]`;
    const before = errors.length;
    validateSource(volume, here, errors, context);
    if (!volume.name) errors.push(required(`${here}.name`));
    else
      for (const text of isDns1123Label(volume.name)) errors.push(invalid(`${here}.name`, volume.name, text));
    if (names.has(volume.name)) errors.push(duplicate(`${here}.name`, volume.name));
    if (errors.length === before) names.set(volume.name, volume);
    const claim = volume.persistentVolumeClaim?.claimName;
    if (claim !== undefined && made.has(claim)) {
      const text = "must not reference a PVC that gets created for an ephemeral volume";
      errors.push(invalid(`${here}.persistentVolumeClaim.claimName`, claim, text));
    }
  }
  return names;
}
