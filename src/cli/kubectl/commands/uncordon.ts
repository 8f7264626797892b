import { schedulableCommand } from "./node-flags.ts";

export const command = schedulableCommand("uncordon", false);
