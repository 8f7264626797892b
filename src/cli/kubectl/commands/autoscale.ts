import type { KubeObject } from "../../../api/index.ts";
import { UsageError } from "../../flags.ts";
import { type Command, dryRunFlags, fieldManagerFlags, filenameFlags, outputFlags } from "../command.ts";
import { apiVersionOf, objectsOf, targetsOf } from "../targets.ts";
import { createObject } from "./create.ts";

export const command: Command = {
  summary: "Makes a HorizontalPodAutoscaler for a workload.",
  usage: "autoscale (TYPE NAME | TYPE/NAME | -f FILE) --max=N [--min=N] [--cpu=80%] [--memory=500Mi] [flags]",
  flags: [
    ...filenameFlags,
    ...outputFlags,
    ...dryRunFlags,
    ...fieldManagerFlags,
    { long: "max", type: "int", help: "most replicas" },
    { long: "min", type: "int", help: "fewest replicas" },
    { long: "name", type: "string", help: "its name, default the workload's" },
    { long: "cpu", type: "string", help: "target per pod: 80% of the request, or 500m" },
    { long: "memory", type: "string", help: "target per pod: 80% of the request, or 500Mi" },
    { long: "cpu-percent", type: "int", help: "the older form of --cpu" },
  ],
  async run(context, { flags, args }) {
    const max = flags.int("max");
    const min = flags.int("min");
    if (max === undefined) throw new UsageError('required flag(s) "max" not set');
    if (max < 1) throw new UsageError(`--max=MAXPODS is required and must be at least 1, max: ${max}`);
    if (min !== undefined && max < min) {
      throw new UsageError(
        `--max=MAXPODS must be larger or equal to --min=MINPODS, max: ${max}, min: ${min}`,
      );
    }
    const targets = await targetsOf(context.mapper, context.session, args, flags);
    const hpa = await context.mapper.require("horizontalpodautoscalers");
    const percent = flags.int("cpu-percent");
    const cpu = flags.text("cpu") ?? (percent === undefined || percent < 0 ? undefined : `${percent}%`);
    const metrics = [
      ...(cpu ? [metric("cpu", cpu)] : []),
      ...(flags.has("memory") ? [metric("memory", flags.text("memory") ?? "")] : []),
    ];
    for (const { resource, namespace, name } of await objectsOf(context.session, targets, flags)) {
      const object = {
        apiVersion: `autoscaling/${hpa.version}`,
        kind: "HorizontalPodAutoscaler",
        metadata: { name: flags.text("name") ?? name, ...(namespace === undefined ? {} : { namespace }) },
        spec: {
          maxReplicas: max,
          ...(min === undefined || min < 1 ? {} : { minReplicas: min }),
          scaleTargetRef: { apiVersion: apiVersionOf(resource), kind: resource.kind, name },
          ...(metrics.length > 0 ? { metrics } : {}),
        },
      };
      await createObject(context, flags, hpa, namespace, object as KubeObject, "autoscaled");
    }
    return 0;
  },
};

function metric(name: string, text: string): object {
  const target = text.endsWith("%")
    ? { type: "Utilization", averageUtilization: Number(text.slice(0, -1)) }
    : { type: "AverageValue", averageValue: text };
  return { type: "Resource", resource: { name, target } };
}
