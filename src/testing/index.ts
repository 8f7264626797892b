export { type ApiDouble, createApiDouble, type SeenCall } from "./api-double/double.ts";
export * from "./fake-clock.ts";
