export type * from "./definition.ts";
export type * from "./generated/types.ts";
export type * from "./meta.ts";
export * from "./schema.ts";
