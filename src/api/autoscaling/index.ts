/** autoscaling: HorizontalPodAutoscaler, v2 and v1. */
import { deepClone } from "../../machinery/index.ts";
import { fillMetrics, fillRules } from "./defaults.ts";
import { carrierNames, dropCarried } from "./carried.ts";
import { validateAutoscaler, validateAutoscalerChange, validateAutoscalerStatus } from "./rules.ts";
import { fromV2, toV2 } from "./version1.ts";
import { ageColumn, column, nameColumn } from "../columns.ts";
import type { KindDefinition } from "../definition.ts";
import { kindsOf } from "../define.ts";
import type { KindSource } from "../kind-source.ts";
import type {
  V2HorizontalPodAutoscaler,
  V2MetricSpec,
  V2MetricTarget,
  V2MetricValueStatus,
} from "../generated/types.ts";
import type { KubeObject } from "../meta.ts";

const define = kindsOf("autoscaling", "v2", "io.k8s.api.autoscaling.v2");
const defineV1 = kindsOf("autoscaling", "v1", "io.k8s.api.autoscaling.v1");

interface Part {
  /** Names of resources shown in messages. */
  name: string;
  target: V2MetricTarget | undefined;
  current: V2MetricValueStatus | undefined;
}

function parts(autoscaler: V2HorizontalPodAutoscaler): (Part | undefined)[] {
  const statuses = autoscaler.status?.currentMetrics ?? [];
  return (autoscaler.spec?.metrics ?? []).map((metric: V2MetricSpec, i): Part | undefined => {
    const status = statuses[i];
    switch (metric.type) {
      case "Resource":
        return {
          name: metric.resource?.name ?? "",
          target: metric.resource?.target,
          current: status?.resource?.current,
        };
      case "ContainerResource":
        return {
          name: metric.containerResource?.name ?? "",
          target: metric.containerResource?.target,
          current: status?.containerResource?.current,
        };
      case "Pods":
        return { name: "", target: metric.pods?.target, current: status?.pods?.current };
      case "Object":
        return { name: "", target: metric.object?.target, current: status?.object?.current };
      case "External":
        return { name: "", target: metric.external?.target, current: status?.external?.current };
      default:
        return undefined;
    }
  });
}

function partText(part: Part | undefined, average: string): string {
  if (!part) return "<unknown type>";
  const { target, current } = part;
  const head = part.name === "" ? "" : `${part.name}: `;
  if (target?.averageValue !== undefined) {
    return `${head}${current?.averageValue ?? "<unknown>"}/${target.averageValue}${part.name === "" ? average : ""}`;
  }
  if (part.name !== "") {
    const now = current?.averageUtilization === undefined ? "<unknown>" : `${current.averageUtilization}%`;
    return `${head}${now}/${target?.averageUtilization === undefined ? "<auto>" : `${target.averageUtilization}%`}`;
  }
  return `${current?.value ?? "<unknown>"}/${target?.value ?? "0"}`;
}

function targets(autoscaler: V2HorizontalPodAutoscaler): string {
  const types = (autoscaler.spec?.metrics ?? []).map((metric) => metric.type);
  const texts = parts(autoscaler).map((part, i) => partText(part, types[i] === "Pods" ? "" : " (avg)"));
  if (texts.length === 0) return "<none>";
  return texts.length > 2
    ? `${texts.slice(0, 2).join(", ")} + ${texts.length - 2} more...`
    : texts.join(", ");
}

const source: KindSource<V2HorizontalPodAutoscaler> = {
  kind: "HorizontalPodAutoscaler",
  plural: "horizontalpodautoscalers",
  shortNames: ["hpa"],
  categories: ["all"],
  status: true,
  emptyStatus: { currentMetrics: null, desiredReplicas: 0 },
  defaults(autoscaler) {
    dropCarried(autoscaler);
    fillMetrics(autoscaler);
    fillRules(autoscaler);
  },
  onUpdate: ["metadataChange", "change"],
  validate: validateAutoscaler,
  validateUpdate: validateAutoscalerChange,
  validateStatus: validateAutoscalerStatus,
  columns: [
    nameColumn,
    column<V2HorizontalPodAutoscaler>("Reference", "string", (each) => {
      const target = each.spec?.scaleTargetRef;
      return `${target?.kind ?? ""}/${target?.name ?? ""}`;
    }),
    column<V2HorizontalPodAutoscaler>("Targets", "string", targets),
    column<V2HorizontalPodAutoscaler>("MinPods", "string", (each) =>
      String(each.spec?.minReplicas ?? "<unset>"),
    ),
    column<V2HorizontalPodAutoscaler>("MaxPods", "string", (each) => each.spec?.maxReplicas ?? 0),
    column<V2HorizontalPodAutoscaler>("Replicas", "string", (each) => each.status?.currentReplicas ?? 0),
    ageColumn,
  ],
};

/** v1 shows the columns of v2; the object is not changed. */
function asV2(object: KubeObject): KubeObject {
  if (object.apiVersion !== "autoscaling/v1") return object;
  const copy = deepClone(object);
  toV2(copy);
  return copy;
}

export const autoscalingKinds: readonly KindDefinition[] = [
  define(source),
  defineV1({
    ...source,
    defaults: fillMetrics,
    // Tables and partial metadata use the stored form.
    hiddenAnnotations: carrierNames,
    // Validated with the defaults of behavior rules, which are stored in v2.
    canonicalize: fillRules,
    columns:
      source.columns?.map((each) => ({ ...each, cell: (object, now) => each.cell(asV2(object), now) })) ?? [],
    storedAs: {
      group: "autoscaling",
      version: "v2",
      kind: "HorizontalPodAutoscaler",
      plural: "horizontalpodautoscalers",
      toStored: toV2,
      fromStored: fromV2,
    },
  }),
];
