import { badRequest } from "./errors.ts";

/** Why a name would lead somewhere else in a path. */
export const nameSegmentProblems = (name: string): string[] =>
  name === "." || name === ".."
    ? [`may not be '${name}'`]
    : ["/", "%"].filter((each) => name.includes(each)).map((each) => `may not contain '${each}'`);

/** Throws 400 for a name that would lead somewhere else in a path. */
export function checkNameSegment(name: string): void {
  const problems = nameSegmentProblems(name);
  if (problems.length > 0)
    throw badRequest(`Name parameter invalid: ${JSON.stringify(name)}: ${problems.join(";")}`);
}
