import assert from "node:assert/strict";
import { test } from "node:test";
import type { FieldError } from "../../../machinery/index.ts";
import { validateSysctls } from "./sysctls.ts";

const mistakes = (names: string[], host: object = {}): string[] => {
  const errors: FieldError[] = [];
  const sysctls = names.map((name) => ({ name, value: "1" }));
  validateSysctls({ containers: [], securityContext: { sysctls }, ...host }, "sysctls", errors);
  return errors.map(({ reason, field }) => `${reason} ${field}`);
};

test("sysctls are spelled as the kernel does, each once", () => {
  assert.deepEqual(mistakes(["kernel.shm_rmid_forced", "net/ipv4/tcp_syncookies", "net.core.somaxconn"]), []);
  assert.deepEqual(mistakes(["foo-", "bar..", "", "kernel.msgmax", "kernel/msgmax", "kernel.msgmax"]), [
    "FieldValueInvalid sysctls[0].name",
    "FieldValueInvalid sysctls[1].name",
    "FieldValueRequired sysctls[2].name",
    "FieldValueDuplicate sysctls[5].name",
  ]);
});

test("a sysctl of a namespace that the pod shares with the host is refused", () => {
  assert.deepEqual(mistakes(["net.core.somaxconn"], { hostNetwork: true }), [
    "FieldValueInvalid sysctls[0].name",
  ]);
  assert.deepEqual(mistakes(["kernel.sem"], { hostNetwork: true }), []);
});
