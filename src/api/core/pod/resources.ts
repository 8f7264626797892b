/** Resource requirements of containers and pods. */
import {
  addQuantity,
  compareQuantity,
  duplicate,
  forbidden,
  formatQuantity,
  invalid,
  isDns1123Label,
  notFound,
  notSupported,
  type Quantity,
  required,
} from "../../../machinery/index.ts";
import type { FieldError } from "../../definition.ts";
import type { Container, PodSpec, ResourceRequirements } from "../../generated/types.ts";
import {
  isHugePages,
  isWholePages,
  mayOvercommit,
  validateContainerResourceName,
  validateQuantity,
  validateResourceName,
} from "../resource-names.ts";

type NameRule = (name: string, path: string, errors: FieldError[]) => void;

/** Container claims refer to the pod's claims. */
function validateClaimNames(
  { claims = [] }: ResourceRequirements,
  known: ReadonlySet<string>,
  path: string,
  errors: FieldError[],
): void {
  const seen = new Set<string>();
  for (const [i, { name, request }] of claims.entries()) {
    const here = `${path}[${i}]`;
    if (!name) {
      errors.push(required(here));
      continue;
    }
    if (seen.has(name)) errors.push(duplicate(here, name));
    else {
      if (request)
        for (const text of isDns1123Label(request)) errors.push(invalid(`${here}.request`, request, text));
      const key = request ? `${name}/${request}` : name;
      if (seen.has(key)) errors.push(duplicate(here, key));
      else if (!request)
        for (const other of seen) if (other.startsWith(`${name}/`)) errors.push(duplicate(here, name));
      seen.add(key);
    }
    if (known.has(name)) continue;
    const list = known.size === 0 ? " which is empty" : `: ${[...known].sort().join(", ")}`;
    const error = notFound(here, name);
    const text = `must be one of the names in pod.spec.resourceClaims${list}`;
    errors.push({ ...error, message: `${error.message}: ${text}` });
  }
}

class Requirements {
  /** cpu or memory, which must accompany huge pages. */
  compute = false;
  huge = false;
  readonly #nameRule: NameRule;
  readonly #errors: FieldError[];

  constructor(nameRule: NameRule, errors: FieldError[]) {
    this.#nameRule = nameRule;
    this.#errors = errors;
  }

  validate(name: string, value: string, path: string): void {
    this.#nameRule(name, path, this.#errors);
    validateQuantity(name, value, path, this.#errors);
  }

  note(name: string, value: string, path: string): void {
    if (name === "cpu" || name === "memory") this.compute = true;
    if (!isHugePages(name)) return;
    this.huge = true;
    if (!isWholePages(name, value))
      this.#errors.push(invalid(path, value, `${value} is not positive integer multiple of ${name}`));
  }
}

function validateRequirements(
  resources: ResourceRequirements,
  nameRule: NameRule,
  claims: ReadonlySet<string>,
  path: string,
  errors: FieldError[],
): void {
  const { limits = {}, requests = {} } = resources;
  const found = new Requirements(nameRule, errors);
  for (const name in limits) {
    const value = limits[name] as string;
    const here = `${path}.limits[${name}]`;
    found.validate(name, value, here);
    found.note(name, value, here);
  }
  for (const name in requests) {
    const value = requests[name] as string;
    const here = `${path}.requests[${name}]`;
    found.validate(name, value, here);
    const limit = limits[name];
    if (limit !== undefined) {
      const order = compareQuantity(value, limit);
      const what =
        order !== 0 && !mayOvercommit(name) ? "equal to" : order > 0 ? "less than or equal to" : "";
      if (what !== "")
        errors.push(invalid(`${path}.requests`, value, `must be ${what} ${name} limit of ${limit}`));
    } else if (!mayOvercommit(name))
      errors.push(required(`${path}.limits`, "Limit must be set for non overcommitable resources"));
    found.note(name, value, here);
  }
  if (found.huge && !found.compute) errors.push(forbidden(path, "HugePages require cpu or memory"));
  validateClaimNames(resources, claims, `${path}.claims`, errors);
}

const nothing: ReadonlySet<string> = new Set();

/** `claims`: names of the pod's claims. */
export function validateResources(
  resources: ResourceRequirements | undefined,
  path: string,
  errors: FieldError[],
  claims = nothing,
): void {
  if (resources) validateRequirements(resources, validateContainerResourceName, claims, path, errors);
}

const podNames = ["cpu", "hugepages-", "memory"];

function podResourceName(name: string, path: string, errors: FieldError[]): void {
  if (!validateResourceName(name, path, errors)) return;
  if (!podNames.includes(name) && !isHugePages(name)) errors.push(notSupported(path, name, podNames));
}

type Lists = "requests" | "limits";

function add(to: Map<string, Quantity>, list: Record<string, string> | undefined): void {
  for (const name in list)
    to.set(name, addQuantity(to.get(name) ?? { nanos: 0n, format: "DecimalSI" }, list[name] as string));
}

/**
 * The resources of all containers: containers and sidecars add up; an init container runs alone, with the sidecars started
 * before it.
 */
export function aggregate(spec: PodSpec, which: Lists): Map<string, Quantity> {
  const sum = new Map<string, Quantity>();
  for (const container of spec.containers ?? []) add(sum, container.resources?.[which]);
  const sidecars = new Map<string, Quantity>();
  const most = new Map<string, Quantity>();
  for (const container of spec.initContainers ?? []) {
    const list = container.resources?.[which];
    let now: Map<string, Quantity>;
    if (container.restartPolicy === "Always") {
      add(sum, list);
      add(sidecars, list);
      now = sidecars;
    } else {
      now = new Map(sidecars);
      add(now, list);
    }
    for (const [name, value] of now) {
      const other = most.get(name);
      if (!other || compareQuantity(value, other) > 0) most.set(name, value);
    }
  }
  for (const [name, value] of most) {
    const other = sum.get(name);
    if (!other || compareQuantity(value, other) > 0) sum.set(name, value);
  }
  return sum;
}

/** Pod-level requests are not below the containers'. */
function validateConsistency(spec: PodSpec, path: string, errors: FieldError[]): void {
  const { requests = {}, limits = {} } = spec.resources ?? {};
  const check = (which: Lists, list: Record<string, string>, counts: (name: string) => boolean): void => {
    for (const [name, sum] of aggregate(spec, which)) {
      const own = list[name];
      if (own === undefined || !counts(name) || compareQuantity(sum, own) <= 0) continue;
      const text = `must be greater than or equal to aggregate container ${which} of ${formatQuantity(sum)}`;
      errors.push(invalid(`${path}.${which}[${name}]`, own, text));
    }
  };
  check("requests", requests, () => true);
  check("limits", limits, isHugePages);
  for (const [i, container] of (spec.containers ?? []).entries()) {
    for (const name in container.resources?.limits) {
      const own = limits[name];
      const limit = container.resources.limits[name] as string;
      if (own === undefined || compareQuantity(limit, own) <= 0) continue;
      const here = `${path}.containers[${i}][${name}].limits`;
      errors.push(invalid(here, limit, `must be less than or equal to pod limits of ${own}`));
    }
  }
}

/** Pod-level resources. */
export function validatePodResources(
  spec: PodSpec,
  claims: ReadonlySet<string>,
  path: string,
  errors: FieldError[],
): void {
  const { resources } = spec;
  if (!resources) return;
  if (spec.os?.name === "windows") {
    errors.push(forbidden(path, "may not be set for a windows pod"));
    return;
  }
  if (resources.claims)
    errors.push(forbidden(`${path}.claims`, "claims may not be set for Resources at pod-level"));
  validateRequirements(resources, podResourceName, claims, path, errors);
  validateConsistency(spec, path, errors);
}

/** All containers of a pod, with their paths. */
export function containersOf(spec: PodSpec, path: string): [Container, string][] {
  const all: [Container, string][] = [];
  for (const list of ["initContainers", "containers", "ephemeralContainers"] as const) {
    const containers = spec[list] as Container[] | undefined;
    for (let i = 0; containers && i < containers.length; i++)
      all.push([containers[i] as Container, `${path}.${list}[${i}]`]);
  }
  return all;
}
