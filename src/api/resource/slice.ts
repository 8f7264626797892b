/** What a driver offers. */
import { deepEqual, invalid, required, wasEmptied } from "../../machinery/index.ts";
import { validateNodeSelector } from "../core/pod/placement.ts";
import type { FieldError } from "../definition.ts";
import type { CounterSet, ResourceSlice } from "../generated/types.ts";
import { given } from "../given.ts";
import { internalForm } from "../internal-form.ts";
import { counters, counterSetName, nodeName, validateDevice } from "./device.ts";
import { driverName, poolName, setOf } from "./names.ts";

type Spec = NonNullable<ResourceSlice["spec"]>;

const devicesLimit = 128;
/** Where devices have taints or take from counters. */
const advancedDevicesLimit = 64;
const counterSetsLimit = 8;

function pool({ pool: asked }: Spec, errors: FieldError[]): void {
  poolName(asked?.name, "spec.pool.name", errors);
  const count = asked?.resourceSliceCount ?? 0;
  if (count <= 0) errors.push(invalid("spec.pool.resourceSliceCount", count, "must be greater than zero"));
  const generation = asked?.generation ?? 0;
  if (generation < 0)
    errors.push(invalid("spec.pool.generation", generation, "must be greater than or equal to zero"));
}

const unset = (name: "allNodes" | "perDeviceNodeSelection", spec: Spec, errors: FieldError[]): void => {
  if (spec[name] === false)
    errors.push(invalid(`spec.${name}`, false, "must be either unset or set to true"));
};

/** One place for all devices, or a place for each. */
function place(spec: Spec, errors: FieldError[]): void {
  const { nodeName: node, nodeSelector } = spec;
  const set: string[] = [];
  if (node === "")
    errors.push(invalid("spec.nodeName", "", "must be either unset or set to a non-empty string"));
  else if (node !== undefined) {
    set.push("`nodeName`");
    nodeName(node, "spec.nodeName", errors);
  }
  if (nodeSelector) {
    set.push("`nodeSelector`");
    validateNodeSelector(nodeSelector, "spec.nodeSelector", errors);
    const terms = nodeSelector.nodeSelectorTerms ?? [];
    const given =
      Array.isArray(nodeSelector.nodeSelectorTerms) || wasEmptied(nodeSelector, "nodeSelectorTerms");
    const shown = given ? terms.map((term) => internalForm("core.NodeSelectorTerm", term)) : null;
    if (terms.length !== 1)
      errors.push(
        invalid("spec.nodeSelector.nodeSelectorTerms", shown, "must have exactly one node selector term"),
      );
  }
  unset("allNodes", spec, errors);
  if (spec.allNodes) set.push("`allNodes`");
  unset("perDeviceNodeSelection", spec, errors);
  if (spec.perDeviceNodeSelection) set.push("`perDeviceNodeSelection`");
  const one = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required";
  if (set.length === 0) errors.push(required("spec", one));
  else if (set.length > 1)
    errors.push(invalid("spec", `{${set.join(", ")}}`, `${one}, but multiple fields are set`));
}

function counterSet(set: CounterSet, path: string, errors: FieldError[]): void {
  counterSetName(set.name, `${path}.name`, errors);
  counters(set.counters, `${path}.counters`, errors);
}

const immutable = (path: string, value: string | undefined, before: string | undefined): FieldError[] =>
  deepEqual(value ?? null, before ?? null) ? [] : [invalid(path, value ?? null, "field is immutable")];

/** `old`: what it was before a change. */
export function validateSlice(slice: ResourceSlice, old?: ResourceSlice): FieldError[] {
  const { spec = {} as Spec } = given(slice);
  const errors: FieldError[] = [];
  driverName(spec.driver, "spec.driver", errors);
  pool(spec, errors);
  if (old)
    errors.push(
      ...immutable("spec.pool.name", spec.pool?.name, old.spec?.pool?.name),
      ...immutable("spec.driver", spec.driver, old.spec?.driver),
      ...immutable("spec.nodeName", spec.nodeName, old.spec?.nodeName),
    );
  place(spec, errors);
  if (spec.sharedCounters && spec.devices)
    errors.push(invalid("spec", "", "only one of `sharedCounters` or `devices` is allowed"));
  const advanced = spec.devices?.some(
    ({ taints, consumesCounters }) => taints?.length || consumesCounters?.length,
  );
  const limit = advanced ? advancedDevicesLimit : devicesLimit;
  const each = spec.perDeviceNodeSelection === true;
  setOf(
    spec.devices,
    limit,
    "spec.devices",
    errors,
    ({ name }) => name ?? "",
    (device, path) => validateDevice(device, path, errors, each),
  );
  setOf(
    spec.sharedCounters,
    counterSetsLimit,
    "spec.sharedCounters",
    errors,
    ({ name }) => name ?? "",
    counterSet,
  );
  return errors;
}
