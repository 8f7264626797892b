/** Where in an object a walk through it is, in words: they are asked for when there is a mistake, so hardly ever. */
import type { TypeSchema } from "./schema.ts";

const only = (names: string): ((field: string) => boolean) => {
  const set = new Set(names.split(" "));
  return (field) => set.has(field);
};

/** Go's types with embedded structs, whose names stand in the path of a mistake although JSON does not have them. */
const embedded: Readonly<Record<string, readonly (readonly [string, (field: string) => boolean])[]>> = {
  Volume: [["VolumeSource", (field) => field !== "name"]],
  PersistentVolumeSpec: [
    [
      "PersistentVolumeSource",
      only(
        "gcePersistentDisk awsElasticBlockStore hostPath glusterfs nfs rbd iscsi cinder cephfs fc flocker flexVolume " +
          "azureFile vsphereVolume quobyte azureDisk photonPersistentDisk portworxVolume scaleIO local storageos csi",
      ),
    ],
  ],
  Probe: [["ProbeHandler", only("exec httpGet tcpSocket grpc")]],
  EphemeralContainer: [["EphemeralContainerCommon", (field) => field !== "targetContainerName"]],
  IngressRule: [["IngressRuleValue", only("http")]],
  RuleWithOperations: [["Rule", (field) => field !== "operations"]],
  NamedRuleWithOperations: [
    ["RuleWithOperations", (field) => field !== "resourceNames"],
    ["Rule", (field) => field !== "resourceNames" && field !== "operations"],
  ],
  DeviceClaimConfiguration: [["DeviceConfiguration", only("opaque")]],
  DeviceClassConfiguration: [["DeviceConfiguration", only("opaque")]],
  DeviceAllocationConfiguration: [["DeviceConfiguration", only("opaque")]],
  ...Object.fromEntries(
    [
      "SecretProjection",
      "ConfigMapVolumeSource",
      "ConfigMapProjection",
      "ConfigMapKeySelector",
      "SecretKeySelector",
      "ConfigMapEnvSource",
      "SecretEnvSource",
    ].map((name) => [name, [["LocalObjectReference", only("name")] as const]]),
  ),
};

/** Of types by their whole name, which has the package in front. */
const embeddedOf = new Map<string, (typeof embedded)[string] | undefined>();

/** `VolumeSource.` for the fields that a Volume has from there, and "" for all else. */
function embeddedPath(type: string, field: string): string {
  let structs = embeddedOf.get(type);
  if (!structs && !embeddedOf.has(type)) {
    structs = embedded[type.slice(type.lastIndexOf(".") + 1)];
    embeddedOf.set(type, structs);
  }
  if (!structs) return "";
  return structs.map(([struct, has]) => (has(field) ? `${struct}.` : "")).join("");
}

export class Way {
  /** Members, and indices of lists. */
  readonly #steps: (string | number)[] = [];
  /** The types whose fields the members are; undefined for keys of maps and for indices. */
  readonly #types: (TypeSchema | undefined)[] = [];
  /** Whether the walk steps over wrong values, in search of others. */
  goesOn = false;

  enter(step: string | number, type?: TypeSchema): void {
    this.#steps.push(step);
    this.#types.push(type);
  }

  leave(): void {
    this.#steps.pop();
    this.#types.pop();
  }

  /** Of a member from here, with indices: `spec.containers[0].image`. */
  path(member: string): string {
    let path = "";
    for (const step of [...this.#steps, member]) {
      if (typeof step === "number") path += `[${step}]`;
      else path += path === "" ? step : `.${step}`;
    }
    return path;
  }

  /** As Go's decoder names fields: `spec.containers.image`. */
  get goPath(): string {
    const names: string[] = [];
    for (const [i, type] of this.#types.entries()) {
      const step = this.#steps[i];
      if (type && typeof step === "string") names.push(embeddedPath(type.name, step) + step);
    }
    return names.join(".");
  }
}
