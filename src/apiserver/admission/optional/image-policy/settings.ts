/** The configuration of ImagePolicyWebhook (`imagePolicy`). */
import { isAbsolute } from "node:path";
import { formatDuration, isObject } from "../../../../machinery/index.ts";

export interface ImagePolicySettings {
  /** Absolute path. */
  kubeconfig: string;
  /** How long permissions and refusals are cached, and the backoff between retries; 0: off. Milliseconds. */
  allowMs: number;
  denyMs: number;
  retryMs: number;
  /** Allows images when the webhook cannot be reached. */
  defaultAllow: boolean;
}

/** Range of a number in the configuration, in milliseconds: -1 turns it off, 0 or absent means the default. */
interface Range {
  unit: number;
  least: number;
  most: number;
  usual: number;
}

const minute = 60_000;
const retry: Range = { unit: 1, least: 1e-6, most: 5 * minute, usual: 500 };
const allow: Range = { unit: 1000, least: 1000, most: 30 * minute, usual: 5 * minute };
const deny: Range = { ...allow, usual: 30_000 };

/** Throws an Error with the mistake, in kube-apiserver's words where it has some. */
export function imagePolicySettings(value: unknown): ImagePolicySettings {
  if (value === undefined) throw new Error("no config specified");
  const told = member(value, "imagePolicy");
  const ms = (name: string, range: Range): number => inRange(member(told, name), name, range);
  const retryMs = ms("retryBackoff", retry);
  const allowMs = ms("allowTTL", allow);
  const denyMs = ms("denyTTL", deny);
  const kubeconfig = member(told, "kubeConfigFile") ?? "";
  if (typeof kubeconfig !== "string" || !isAbsolute(kubeconfig))
    throw new Error(
      `imagePolicy.kubeConfigFile: Invalid value: ${JSON.stringify(kubeconfig)}: must be an absolute file path`,
    );
  const defaultAllow = member(told, "defaultAllow") ?? false;
  if (typeof defaultAllow !== "boolean")
    throw new Error(
      `imagePolicy.defaultAllow: Invalid value: ${JSON.stringify(defaultAllow)}: must be true or false`,
    );
  return { kubeconfig, retryMs, allowMs, denyMs, defaultAllow };
}

/** Go's decoder matches names case-insensitively. */
function member(value: unknown, name: string): unknown {
  if (!isObject(value)) return undefined;
  return Object.entries(value).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];
}

function inRange(value: unknown, name: string, { unit, least, most, usual }: Range): number {
  const given = value ?? 0;
  if (typeof given !== "number" || !Number.isInteger(given))
    throw new Error(`imagePolicy.${name}: Invalid value: ${JSON.stringify(given)}: must be a whole number`);
  if (given === -1) return 0;
  if (given === 0) return usual;
  const ms = given * unit;
  if (ms >= least && ms <= most) return ms;
  const [from, to, got] = [least, most, ms].map(formatDuration);
  throw new Error(`valid value is between ${from} and ${to}, got ${got}`);
}
