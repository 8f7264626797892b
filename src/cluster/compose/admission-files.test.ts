import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { admissionFiles } from "./admission-files.ts";

test("plugins are told what stands in the file, or in those beside it that it names", (t) => {
  const dir = mkdtempSync(join(tmpdir(), "admission-"));
  t.after(() => rmSync(dir, { recursive: true }));
  const path = join(dir, "config.yaml");
  writeFileSync(join(dir, "quota.yaml"), "kind: ResourceQuotaConfiguration\n");
  const write = (plugins: string): void =>
    writeFileSync(
      path,
      `apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\nplugins:\n${plugins}`,
    );
  write("- name: ResourceQuota\n  path: quota.yaml\n- name: PodSecurity\n  configuration: {kind: X}\n");
  assert.deepEqual(
    [...admissionFiles(path)],
    [
      ["ResourceQuota", { kind: "ResourceQuotaConfiguration" }],
      ["PodSecurity", { kind: "X" }],
    ],
  );
  write("- name: ResourceQuota\n  path: none.yaml\n");
  assert.throws(() => admissionFiles(path), {
    name: "ClusterError",
    message: new RegExp(`^unable to read admission control configuration from "${path}" \\[ENOENT`),
  });
});
