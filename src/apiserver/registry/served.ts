import { kinds } from "../../api/index.ts";
import { readRuntimeConfig } from "./runtime-config.ts";

/** Throws an Error for an unknown API. */
export const checkRuntimeConfig = (pairs: Readonly<Record<string, string>>): void =>
  void readRuntimeConfig(new Map(Object.entries(pairs)), kinds);
