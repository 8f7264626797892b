/** flowcontrol.apiserver.k8s.io: FlowSchema and PriorityLevelConfiguration, as data. */
import { ageColumn, column, nameColumn } from "./columns.ts";
import type { KindDefinition } from "./definition.ts";
import { kindsOf } from "./define.ts";
import {
  flowSchemaOrder,
  validateFlowSchema,
  validateFlowStatus,
  validatePriorityLevel,
} from "./flow-control-rules.ts";
import type { FlowSchema, PriorityLevelConfiguration } from "./generated/types.ts";

const define = kindsOf("flowcontrol.apiserver.k8s.io", "v1", "io.k8s.api.flowcontrol.v1");

export const flowControlKinds: readonly KindDefinition[] = [
  define<FlowSchema>({
    kind: "FlowSchema",
    plural: "flowschemas",
    namespaced: false,
    generation: true,
    status: true,
    statusKeepsMetadata: true,
    defaults(schema) {
      schema.spec ??= {} as NonNullable<FlowSchema["spec"]>;
      schema.spec.matchingPrecedence ||= 1000;
    },
    onUpdate: ["metadata", "object"],
    onStatus: ["change"],
    validate: validateFlowSchema,
    validateStatus: validateFlowStatus,
    rowOrder: flowSchemaOrder,
    columns: [
      nameColumn,
      column<FlowSchema>(
        "PriorityLevel",
        "string",
        (each) => each.spec?.priorityLevelConfiguration?.name ?? "",
      ),
      column<FlowSchema>("MatchingPrecedence", "string", (each) => each.spec?.matchingPrecedence ?? 0),
      column<FlowSchema>(
        "DistinguisherMethod",
        "string",
        (each) => each.spec?.distinguisherMethod?.type ?? "<none>",
      ),
      ageColumn,
      column<FlowSchema>(
        "MissingPL",
        "string",
        (each) => each.status?.conditions?.find((condition) => condition.type === "Dangling")?.status ?? "?",
      ),
    ],
  }),
  define<PriorityLevelConfiguration>({
    kind: "PriorityLevelConfiguration",
    plural: "prioritylevelconfigurations",
    namespaced: false,
    generation: true,
    status: true,
    statusKeepsMetadata: true,
    defaults({ spec }) {
      if (spec?.limited) {
        spec.limited.nominalConcurrencyShares ??= 30;
        spec.limited.lendablePercent ??= 0;
        const queuing = spec.limited.limitResponse?.queuing;
        if (queuing) {
          queuing.handSize ||= 8;
          queuing.queues ||= 64;
          queuing.queueLengthLimit ||= 50;
        }
      }
      if (spec?.exempt) {
        spec.exempt.nominalConcurrencyShares ??= 0;
        spec.exempt.lendablePercent ??= 0;
      }
    },
    onUpdate: ["metadata", "object"],
    onStatus: ["change"],
    validate: validatePriorityLevel,
    validateStatus: validateFlowStatus,
    columns: [
      nameColumn,
      column<PriorityLevelConfiguration>("Type", "string", (each) => each.spec?.type ?? ""),
      column<PriorityLevelConfiguration>(
        "NominalConcurrencyShares",
        "string",
        (each) => each.spec?.limited?.nominalConcurrencyShares ?? "<none>",
      ),
      column<PriorityLevelConfiguration>(
        "Queues",
        "string",
        (each) => each.spec?.limited?.limitResponse?.queuing?.queues ?? "<none>",
      ),
      column<PriorityLevelConfiguration>(
        "HandSize",
        "string",
        (each) => each.spec?.limited?.limitResponse?.queuing?.handSize ?? "<none>",
      ),
      column<PriorityLevelConfiguration>(
        "QueueLengthLimit",
        "string",
        (each) => each.spec?.limited?.limitResponse?.queuing?.queueLengthLimit ?? "<none>",
      ),
      ageColumn,
    ],
  }),
];
