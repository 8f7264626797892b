import { constants } from "node:os";

/** `SIGTERM`, `TERM`, `15`, `SIGRTMIN+3`; SIGTERM for an unknown one. */
export function signalNumber(name: string): number {
  if (/^\d+$/.test(name)) return Number(name);
  const full = name.toUpperCase().startsWith("SIG") ? name.toUpperCase() : `SIG${name.toUpperCase()}`;
  const realTime = /^SIGRTMIN(?:\+(\d+))?$/.exec(full);
  if (realTime) return 34 + Number(realTime[1] ?? 0);
  return (constants.signals as Record<string, number>)[full] ?? constants.signals.SIGTERM;
}
