export * from "./columns.ts";
export type * from "./definition.ts";
export { kindsOf, type KindSource } from "./define.ts";
export type * from "./generated/types.ts";
export { findKind, findKindByName, kinds } from "./kinds.ts";
export type * from "./meta.ts";
export * from "./metadata.ts";
export * from "./patch-schema.ts";
export * from "./schema.ts";
