/** Volume sources shared by pods and PersistentVolumes. In the latter, references to Secrets include a namespace. */
import {
  invalid,
  isDns1123Label,
  isDns1123Subdomain,
  notSupported,
  notSupportedText,
  required,
  tooLong,
} from "../../machinery/index.ts";
import type { FieldError } from "../definition.ts";
import type {
  AzureDiskVolumeSource,
  AzureFilePersistentVolumeSource,
  CinderPersistentVolumeSource,
  CSIPersistentVolumeSource,
  FCVolumeSource,
  FlockerVolumeSource,
  FlexPersistentVolumeSource,
  GlusterfsPersistentVolumeSource,
  HostPathVolumeSource,
  ISCSIPersistentVolumeSource,
  NFSVolumeSource,
  QuobyteVolumeSource,
  SecretReference,
  StorageOSVolumeSource,
  StorageOSPersistentVolumeSource,
} from "../generated/types.ts";
import { given } from "../given.ts";
import { noBacksteps } from "./path-rules.ts";

export interface SourceContext {
  /** The volume's. */
  name: string;
  persistent: boolean;
}

type Rule<S> = (source: S, path: string, errors: FieldError[], context: SourceContext) => void;

/** Reports all missing fields. */
function need<S extends object>(
  source: S,
  path: string,
  errors: FieldError[],
  ...fields: (keyof S & string)[]
): void {
  for (const field of fields) {
    const value = source[field];
    if (value === undefined || value === null || value === "" || (Array.isArray(value) && value.length === 0))
      errors.push(required(`${path}.${field}`));
  }
}

function label(value: string, path: string, errors: FieldError[]): void {
  for (const text of isDns1123Label(value)) errors.push(invalid(path, value, text));
}

const hostPathTypes = [
  "",
  "BlockDevice",
  "CharDevice",
  "Directory",
  "DirectoryOrCreate",
  "File",
  "FileOrCreate",
  "Socket",
];

const hostPath: Rule<HostPathVolumeSource> = (source, path, errors) => {
  if (!source.path) {
    errors.push(required(`${path}.path`));
    return;
  }
  noBacksteps(source.path, `${path}.path`, errors);
  const { type = "" } = source;
  if (!hostPathTypes.includes(type)) errors.push(notSupported(`${path}.type`, type, hostPathTypes));
};

function partition(value: number | undefined, path: string, errors: FieldError[]): void {
  if (value !== undefined && (value < 0 || value > 255))
    errors.push(invalid(`${path}.partition`, value, "must be between 1 and 255, inclusive"));
}

/** Errors are reported for `persistentDisk`, the field's name before v1. */
const gcePersistentDisk: Rule<{ pdName: string; partition?: number }> = (source, path, errors) => {
  const here = path.replace(/gcePersistentDisk$/, "persistentDisk");
  need(source, here, errors, "pdName");
  partition(source.partition, here, errors);
};

const iqn = /iqn\.\d{4}-\d{2}\.([A-Za-z0-9\-.]+)(:[^,;*&$|\s]+)$/;
const eui = /^eui.[A-Za-z0-9]{16}$/;
const naa = /^naa.[A-Za-z0-9]{32}$/;

/** Errors of an iSCSI node name: unknown or invalid format. */
function iscsiName(name: string): "kind" | "form" | undefined {
  if (name.startsWith("iqn")) return iqn.test(name) ? undefined : "form";
  if (name.startsWith("eui")) return eui.test(name) ? undefined : "form";
  if (name.startsWith("naa")) return naa.test(name) ? undefined : "form";
  return "kind";
}

const lunText = "must be between 0 and 255, inclusive";

const iscsi: Rule<ISCSIPersistentVolumeSource> = (source, path, errors, { name, persistent }) => {
  const texts = {
    form: "must be valid format",
    kind: persistent ? "must be valid format" : "must be valid format starting with iqn, eui, or naa",
  };
  need(source, path, errors, "targetPortal");
  const initiator = source.initiatorName;
  if (persistent && initiator !== undefined && `${name}:${source.targetPortal ?? ""}`.length > 64)
    errors.push(invalid(`${path}.targetportal`, source.targetPortal ?? "", iscsiLengthText));
  if (!source.iqn) errors.push(required(`${path}.iqn`));
  else {
    const wrong = iscsiName(source.iqn);
    if (wrong) errors.push(invalid(`${path}.iqn`, source.iqn, texts[wrong]));
  }
  const lun = source.lun ?? 0;
  if (lun < 0 || lun > 255) errors.push(invalid(`${path}.lun`, lun, lunText));
  if ((source.chapAuthDiscovery || source.chapAuthSession) && !source.secretRef)
    errors.push(required(`${path}.secretRef`));
  if (persistent && source.secretRef) need(source.secretRef, `${path}.secretRef`, errors, "name");
  if (initiator === undefined) return;
  const wrong = iscsiName(initiator);
  if (wrong) errors.push(invalid(`${path}.initiatorname`, initiator, texts[wrong]));
};

export const iscsiLengthText =
  "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.";

const fc: Rule<FCVolumeSource> = ({ targetWWNs = [], wwids = [], lun }, path, errors) => {
  const here = `${path}.targetWWNs`;
  if (targetWWNs.length === 0 && wwids.length === 0)
    errors.push(required(here, "must specify either targetWWNs or wwids, but not both"));
  if (targetWWNs.length > 0 && wwids.length > 0)
    errors.push(invalid(here, targetWWNs, "targetWWNs and wwids can not be specified simultaneously"));
  if (targetWWNs.length === 0) return;
  if (lun === undefined) errors.push(required(`${path}.lun`, "lun is required if targetWWNs is specified"));
  else if (lun < 0 || lun > 255) errors.push(invalid(`${path}.lun`, lun, lunText));
};

const nfs: Rule<NFSVolumeSource> = (source, path, errors) => {
  need(source, path, errors, "server", "path");
  if (!source.path?.startsWith("/"))
    errors.push(invalid(`${path}.path`, source.path ?? "", "must be an absolute path"));
};

const pairsText = "must be a host:port pair or multiple pairs separated by commas";

/** Splits host and port like Go: one colon, or brackets around an address with more. */
const isHostPort = (text: string): boolean => /^(\[[^[\]]*\]|[^:[\]]*):[^:[\]]*$/.test(text);

const quobyte: Rule<QuobyteVolumeSource> = (source, path, errors) => {
  if (!source.registry) errors.push(required(`${path}.registry`, pairsText));
  else if ((source.tenant ?? "").length >= 65)
    errors.push(required(`${path}.tenant`, "must be a UUID and may not exceed a length of 64 characters"));
  else {
    for (const pair of source.registry.split(","))
      if (!isHostPort(pair)) errors.push(invalid(`${path}.registry`, source.registry, pairsText));
  }
  need(source, path, errors, "volume");
};

const glusterfs: Rule<GlusterfsPersistentVolumeSource> = (source, path, errors) => {
  need(source, path, errors, "endpoints", "path");
  const namespace = source.endpointsNamespace;
  if (namespace === undefined) return;
  if (namespace === "") {
    const text = "if the endpointnamespace is set, it must be a valid namespace name";
    errors.push(invalid(`${path}.endpointsNamespace`, namespace, text));
  } else label(namespace, `${path}.endpointsNamespace`, errors);
};

const flocker: Rule<FlockerVolumeSource> = ({ datasetName = "", datasetUUID = "" }, path, errors) => {
  if (!datasetName && !datasetUUID)
    errors.push(required(path, "one of datasetName and datasetUUID is required"));
  if (datasetName && datasetUUID) {
    const text = "datasetName and datasetUUID can not be specified simultaneously";
    errors.push(invalid(path, "resource", text));
  }
  if (datasetName.includes("/"))
    errors.push(invalid(`${path}.datasetName`, datasetName, "must not contain '/'"));
};

/** Required fields of a reference to a Secret. */
function secret(
  ref: SecretReference | undefined,
  path: string,
  errors: FieldError[],
  { persistent }: SourceContext,
): void {
  if (ref)
    need(
      ref,
      `${path}.secretRef`,
      errors,
      ...(persistent ? (["name", "namespace"] as const) : (["name"] as const)),
    );
}

const cinder: Rule<CinderPersistentVolumeSource> = (source, path, errors, context) => {
  need(source, path, errors, "volumeID");
  secret(source.secretRef, path, errors, context);
};

const flexVolume: Rule<FlexPersistentVolumeSource> = (source, path, errors) => {
  need(source, path, errors, "driver");
  for (const name in source.options) {
    const owner = `.${(name.split("/", 1)[0] as string).toLowerCase()}`;
    if (owner.endsWith(".kubernetes.io") || owner.endsWith(".k8s.io")) {
      const text = "kubernetes.io and k8s.io namespaces are reserved";
      errors.push(invalid(`${path}.options[${name}]`, name, text));
    }
  }
};

const azureFile: Rule<AzureFilePersistentVolumeSource> = (source, path, errors) => {
  need(source, path, errors, "secretName", "shareName");
  if (source.secretNamespace === "") errors.push(required(`${path}.secretNamespace`));
};

const cachingModes = ["None", "ReadOnly", "ReadWrite"];
const diskKinds = ["Dedicated", "Managed", "Shared"];

const azureDisk: Rule<AzureDiskVolumeSource> = (source, path, errors) => {
  need(source, path, errors, "diskName", "diskURI");
  const { cachingMode, kind, diskURI = "" } = given(source);
  if (cachingMode !== undefined && !cachingModes.includes(cachingMode))
    errors.push(notSupported(`${path}.cachingMode`, cachingMode, cachingModes));
  if (kind === undefined) return;
  if (!diskKinds.includes(kind)) errors.push(notSupported(`${path}.kind`, kind, diskKinds));
  if (kind === "Managed" ? diskURI.startsWith("/subscriptions/") : diskURI.startsWith("https://")) return;
  const wanted =
    kind === "Managed"
      ? "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}"
      : "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd";
  errors.push(notSupportedText(`${path}.diskURI`, diskURI, [wanted]));
};

const storageos: Rule<StorageOSVolumeSource & StorageOSPersistentVolumeSource> = (
  source,
  path,
  errors,
  context,
) => {
  if (!source.volumeName) errors.push(required(`${path}.volumeName`));
  else label(source.volumeName, `${path}.volumeName`, errors);
  if (source.volumeNamespace) label(source.volumeNamespace, `${path}.volumeNamespace`, errors);
  secret(source.secretRef as SecretReference | undefined, path, errors, context);
};

export function csiDriverName(name: string | undefined, path: string, errors: FieldError[]): void {
  if (!name) {
    errors.push(required(path));
    return;
  }
  if (name.length > 63) errors.push(tooLong(path, 63));
  for (const text of isDns1123Subdomain(name.toLowerCase())) errors.push(invalid(path, name, text));
}

const csiSecrets = [
  "controllerPublishSecretRef",
  "controllerExpandSecretRef",
  "nodePublishSecretRef",
  "nodeExpandSecretRef",
] as const;

const csi: Rule<CSIPersistentVolumeSource> = (source, path, errors, { persistent }) => {
  csiDriverName(source.driver, `${path}.driver`, errors);
  if (persistent) {
    need(source, path, errors, "volumeHandle");
    for (const each of csiSecrets) {
      const ref = source[each];
      if (!ref) continue;
      if (!ref.name) errors.push(required(`${path}.${each}.name`));
      else
        for (const text of isDns1123Subdomain(ref.name))
          errors.push(invalid(`${path}.${each}.name`, ref.name, text));
      if (!ref.namespace) errors.push(required(`${path}.${each}.namespace`));
      else label(ref.namespace, `${path}.${each}.namespace`, errors);
    }
  } else if (source.nodePublishSecretRef) {
    const { name } = source.nodePublishSecretRef;
    if (!name) errors.push(required(`${path}.nodePublishSecretRef.name`));
    else for (const text of isDns1123Subdomain(name)) errors.push(invalid(`${path}.name`, name, text));
  }
};

const local: Rule<{ path: string }> = (source, path, errors) => {
  if (!source.path) errors.push(required(`${path}.path`));
  else noBacksteps(source.path, `${path}.path`, errors);
};

/** Validators by field. Those that only require fields are generated here. */
const wants =
  (...fields: string[]): Rule<Record<string, unknown>> =>
  (source, path, errors) =>
    need(source, path, errors, ...fields);

export const sourceRules: Readonly<Record<string, Rule<never>>> = {
  hostPath,
  gcePersistentDisk,
  awsElasticBlockStore: (
    source: { volumeID: string; partition?: number },
    path: string,
    errors: FieldError[],
  ) => {
    need(source, path, errors, "volumeID");
    partition(source.partition, path, errors);
  },
  nfs,
  iscsi,
  glusterfs,
  flocker,
  rbd: wants("monitors", "image"),
  cinder,
  cephfs: wants("monitors"),
  quobyte,
  fc,
  flexVolume,
  azureFile,
  vsphereVolume: wants("volumePath"),
  photonPersistentDisk: wants("pdID"),
  portworxVolume: wants("volumeID"),
  azureDisk,
  storageos,
  scaleIO: wants("gateway", "system", "volumeName"),
  csi,
  local,
};

/** A source's name in the error for a second source. */
export const refusedNames: Readonly<Record<string, string>> = { cephfs: "cephFS", downwardAPI: "downwarAPI" };
export const severalText = "may not specify more than 1 volume type";
