import { rootCaPublisher } from "../root-ca/index.ts";

export const runRootCa = rootCaPublisher("PEM");
