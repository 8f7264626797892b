import { schedulableCommand } from "./node-flags.ts";

export const command = schedulableCommand("cordon", true);
