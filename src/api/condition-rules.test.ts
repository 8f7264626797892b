import assert from "node:assert/strict";
import { test } from "node:test";
import { validateConditions } from "./condition-rules.ts";
import type { FieldError } from "./definition.ts";

test("a condition has a type that is there once, a status, a time and a reason in one word", () => {
  const errors: FieldError[] = [];
  const good = {
    type: "Ready",
    status: "True",
    lastTransitionTime: "2026-01-01T00:00:00Z",
    reason: "Ok",
    message: "",
  };
  const wrong = { ...good, status: "Yes", observedGeneration: -1, lastTransitionTime: "", reason: "not one" };
  validateConditions([good, wrong], "status.conditions", errors);
  assert.deepEqual(
    errors.map(({ field, message }) => `${field}: ${message.split(" (e.g.")[0]}`),
    [
      'status.conditions[1].type: Duplicate value: "Ready"',
      'status.conditions[1].status: Unsupported value: "Yes": supported values: "False", "True", "Unknown"',
      "status.conditions[1].observedGeneration: Invalid value: -1: must be greater than or equal to zero",
      "status.conditions[1].lastTransitionTime: Required value",
      `status.conditions[1].reason: Invalid value: "not one": a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_'`,
    ],
  );
});
