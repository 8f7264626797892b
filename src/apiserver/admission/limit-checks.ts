/** Checks requests and limits against the items of a LimitRange, in Kubernetes' words. Pure. */
import { type LimitRangeItem, type PersistentVolumeClaim, type Pod, quota } from "../../api/index.ts";
import {
  compareQuantity,
  formatQuantity,
  milliValue,
  parseQuantity,
  quantityValue,
} from "../../machinery/index.ts";

type Amounts = Readonly<Record<string, string>>;

export function podProblems(pod: Pod, items: readonly LimitRangeItem[]): string[] {
  const containers = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
  return items.flatMap((item) => {
    if (item.type === "Container") {
      return containers.flatMap(({ resources }) =>
        check(item, resources?.requests ?? {}, resources?.limits ?? {}),
      );
    }
    return item.type === "Pod" ? check(item, podSum(pod, "requests"), podSum(pod, "limits")) : [];
  });
}

/** The sum over a pod's containers, without overhead. */
function podSum(pod: Pod, list: "requests" | "limits"): Amounts {
  const { overhead: _overhead, ...spec } = pod.spec ?? { containers: [] };
  const sum = quota.podResources({ ...pod, spec }, list);
  return Object.fromEntries([...sum].map(([name, amount]) => [name, formatQuantity(amount)]));
}

export function claimProblems(claim: PersistentVolumeClaim, items: readonly LimitRangeItem[]): string[] {
  const requests = claim.spec?.resources?.requests ?? {};
  return items
    .filter((item) => item.type === "PersistentVolumeClaim")
    .flatMap((item) => [
      ...problemsOf(item.min, (name, least) => belowMin(item.type, name, least, requests, {})),
      ...problemsOf(item.max, (name, most) => aboveMaxRequest(item.type, name, most, requests)),
    ]);
}

function check(
  { type, min, max, maxLimitRequestRatio }: LimitRangeItem,
  requests: Amounts,
  limits: Amounts,
): string[] {
  return [
    ...problemsOf(min, (name, least) => belowMin(type, name, least, requests, limits)),
    ...problemsOf(max, (name, most) => aboveMax(type, name, most, requests, limits)),
    ...problemsOf(maxLimitRequestRatio, (name, ratio) => aboveRatio(type, name, ratio, requests, limits)),
  ];
}

const problemsOf = (
  bounds: Amounts | undefined,
  problem: (name: string, bound: string) => string | undefined,
): string[] => Object.entries(bounds ?? {}).flatMap(([name, bound]) => problem(name, bound) ?? []);

const above = (a: string, b: string): boolean => compareQuantity(parseQuantity(a), parseQuantity(b)) > 0;

function belowMin(
  type: string,
  name: string,
  least: string,
  requests: Amounts,
  limits: Amounts,
): string | undefined {
  const head = `minimum ${name} usage per ${type} is ${least}`;
  const request = requests[name];
  const limit = limits[name];
  if (request === undefined) return `${head}.  No request is specified`;
  if (above(least, request)) return `${head}, but request is ${request}`;
  return limit !== undefined && above(least, limit) ? `${head}, but limit is ${limit}` : undefined;
}

function aboveMaxRequest(type: string, name: string, most: string, requests: Amounts): string | undefined {
  const head = `maximum ${name} usage per ${type} is ${most}`;
  const request = requests[name];
  if (request === undefined) return `${head}.  No request is specified`;
  return above(request, most) ? `${head}, but request is ${request}` : undefined;
}

function aboveMax(
  type: string,
  name: string,
  most: string,
  requests: Amounts,
  limits: Amounts,
): string | undefined {
  const head = `maximum ${name} usage per ${type} is ${most}`;
  const limit = limits[name];
  const request = requests[name];
  if (limit === undefined) return `${head}.  No limit is specified`;
  if (above(limit, most)) return `${head}, but limit is ${limit}`;
  return request !== undefined && above(request, most) ? `${head}, but request is ${request}` : undefined;
}

/** MaxMilliValue of Kubernetes: larger numbers cannot be counted in thousandths. */
const maxMilli = Number((2n ** 63n - 1n) / 1000n);

function aboveRatio(
  type: string,
  name: string,
  ratio: string,
  requests: Amounts,
  limits: Amounts,
): string | undefined {
  const head = `${name} max limit to request ratio per ${type} is ${ratio}`;
  const [request = "0", limit = "0"] = [requests[name], limits[name]];
  const precise = [request, limit, ratio].every((each) => quantityValue(each) <= maxMilli);
  const measure = precise ? milliValue : quantityValue;
  if (measure(request) === 0) return `${head}, but no request is specified or request is 0`;
  if (measure(limit) === 0) return `${head}, but no limit is specified or limit is 0`;
  const actual = measure(limit) / measure(request);
  return actual * 1000 > milliValue(ratio)
    ? `${head}, but provided ratio is ${actual.toFixed(6)}`
    : undefined;
}
