/** Columns of a Scale, as `kubectl get --subresource=scale` shows them. */
import {
  ageColumn,
  creationText,
  type KindDefinition,
  describedName,
  type TableColumn,
} from "../../api/index.ts";
import type { Scale } from "./scale-object.ts";

type Columns = Pick<KindDefinition, "columns">;

const count = (name: string, description: string, cell: (scale: Scale) => number | null): TableColumn => ({
  name,
  type: "integer",
  description,
  priority: 0,
  cell: (object) => cell(object as Scale),
});

const desired = ({ spec }: Scale): number | undefined => spec?.replicas as number | undefined;
const actual = ({ status }: Scale): number => status?.replicas ?? 0;

const builtIn: Columns = {
  columns: [
    { ...describedName, format: "" },
    count(
      "Desired",
      "replicas is the desired number of instances for the scaled object.",
      (each) => desired(each) ?? 0,
    ),
    count("Available", "replicas is the actual number of observed instances of the scaled object.", actual),
    { ...ageColumn, description: creationText },
  ],
};

const custom: Columns = {
  columns: [
    describedName,
    // Missing numbers are no cells.
    count("Desired", "Number of desired replicas", (each) => desired(each) ?? null),
    count("Available", "Number of actual replicas", actual),
    { ...ageColumn, type: "date", description: creationText },
  ],
};

export const scaleColumns = ({ type }: KindDefinition): Columns => (type ? custom : builtIn);
