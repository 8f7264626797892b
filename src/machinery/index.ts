export * from "./clock.ts";
export * from "./cron.ts";
export * from "./deep.ts";
export * from "./duration.ts";
export * from "./exact-json.ts";
export * from "./part-text.ts";
export * from "./field-errors.ts";
export * from "./go-bool.ts";
export * from "./go-format.ts";
export * from "./go-json.ts";
export * from "./go-url.ts";
export * from "./go-time.ts";
export * from "./go-yaml.ts";
export * from "./hash.ts";
export * from "./int-or-string.ts";
export * from "./json-duplicates.ts";
export * from "./json-string.ts";
export * from "./json-survey.ts";
export { Slots } from "./slots.ts";
export { type Stamp, stamp } from "./stamp.ts";
export * from "./steps.ts";
export * from "./jsonpath.ts";
export * from "./kube-version.ts";
export * from "./log-formats.ts";
export * from "./logger.ts";
export { Multimap } from "./multimap.ts";
export * from "./names.ts";
export * as path from "./path.ts";
export * from "./quantity.ts";
export * from "./queue.ts";
export * from "./raw-json.ts";
export { compileRegexp, regexpProblem } from "./go-regexp.ts";
export * from "./selector.ts";
export * from "./status-error.ts";
export * from "./string-formats.ts";
export * from "./time-zone.ts";
export { TokenBucket } from "./token-bucket.ts";
export * from "./tls-trust.ts";
export * from "./unified-diff.ts";
export * from "./varint.ts";
export { formatYaml } from "./yaml-format.ts";
export { yamlKey, yamlText } from "./yaml-scalar.ts";
export { parseYamlDocuments, YamlError, type YamlDocument } from "./yaml.ts";
export * from "./patch/json-patch.ts";
export * from "./patch/merge-patch.ts";
export type { PatchField, PatchSchema } from "./patch/patch-schema.ts";
export * from "./patch/strategic-diff.ts";
export * from "./patch/strategic-merge.ts";
export { TypedError } from "./apply/applied-set.ts";
export { appliedSet, atomicPaths } from "./apply/applied-set.ts";
export { fits as fitsShape } from "./apply/fits.ts";
export { merge as mergeConfiguration } from "./apply/merge.ts";
export { compare as compareFields } from "./apply/compare.ts";
export {
  difference as fieldsWithout,
  type FieldSet,
  isEmptySet as isEmptyFieldSet,
  pathsOf as fieldPaths,
  pathText as fieldPathText,
  readFieldSet,
  setOf as fieldSetOf,
} from "./apply/field-set.ts";
export { sharedSet as sharedFieldSet, textOfSet as textOfFieldSet } from "./apply/known-sets.ts";
export * from "./apply/managers.ts";
export { reconcileManagers } from "./apply/reconcile.ts";
export { UndeclaredField } from "./apply/undeclared.ts";
export { compareText } from "./apply/path-element.ts";
export {
  deducedShape,
  ForeignValue,
  type FieldShape,
  type MapShape,
  type Shape,
  UnkeyedItem,
  untypedShape,
} from "./apply/shape.ts";
export { type Cel, loadCel } from "./cel/load.ts";
export type {
  AskAuthorizer,
  AuthorizationAnswer,
  AuthorizationQuestion,
  CelEnvironment,
  CelProgram,
} from "./cel/engine.ts";
export type { CelType } from "./cel/types.ts";
export * as der from "./x509/der.ts";
export { checkKeyPair } from "./x509/key-pair.ts";
export { pemBlock, pemOf } from "./x509/pem.ts";
export { nextPemBlock } from "./x509/pem-blocks.ts";
export {
  type CertificateSigningInput,
  parseCertificateRequest,
  readCertificateRequest,
} from "./x509/request.ts";
export { endOf as endOfSigner, type Issued, type Signer, signCertificate } from "./x509/sign.ts";
