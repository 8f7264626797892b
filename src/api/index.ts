export { celEngine, celReady } from "./cel-engine.ts";
export * from "./columns.ts";
export * from "./conform.ts";
export type * from "./definition.ts";
export { flowSchemaOrder } from "./flow-control-rules.ts";
export type * from "./generated/types.ts";
export { isFormer, modernize, presentPart, sameFields } from "./former-versions.ts";
export { findKind, findKindByName, kinds } from "./kinds.ts";
export type * from "./meta.ts";
export * from "./metadata.ts";
export { text as openApiSource } from "./generated/source.js";
export { openApiV2 } from "./openapi/version2.ts";
export { openApiPage, openApiV3, pageNames } from "./openapi/version3.ts";
export * from "./patch-schema.ts";
export {
  compileExpression,
  compileVariables,
  type ExpressionScope,
  type Wanted,
} from "./policy-expressions.ts";
export { expressionWarnings } from "./policy-type-check.ts";
export { inGoOrder } from "./go-order.ts";
export { readRepeated } from "./repeated.ts";
export { convert, restorable } from "./restore.ts";
export { loadProtobufTable } from "./protobuf-table.ts";
export * as quota from "./quota/index.ts";
export * from "./schema.ts";
export { fillWritten, withoutNulls } from "./written.ts";
export { approvalOf } from "./custom/approval.ts";
export { isBundle } from "./custom/conversion-rules.ts";
export { type CrdCondition, withCondition } from "./custom/conditions.ts";
export { cleanupFinalizer, isEstablished } from "./custom/crd.ts";
export { creationText, nameOf as describedName } from "./custom/columns.ts";
export { customKinds } from "./custom/definition.ts";
export { unescapeName } from "./custom/rules/values.ts";
export { matchesNodeSelector, matchesNodeSelectorTerm } from "./core/node-selector.ts";
export { isExtended } from "./core/resource-names.ts";
export { validateTolerations } from "./core/pod/placement.ts";
export { qosClass } from "./core/pod/qos.ts";
export { tolerates } from "./core/toleration.ts";
export * as serviceRules from "./core/service/index.ts";
export { shapeOfType } from "./apply-shape.ts";
