import type { ApiServerSettings } from "./api-server-settings.ts";

/** How long the API server delays its shutdown, in milliseconds. */
export const shutdownMs = ({ shutdownDelayMs = 0, shutdownWatchGraceMs = 0 }: ApiServerSettings): number =>
  shutdownDelayMs + shutdownWatchGraceMs;
