export * from "./contract.ts";
export { errnoName } from "./errno.ts";
export { type NativeOptions, openNative } from "./native-process.ts";
export { applyNft, listNft } from "./nft.ts";
export { type RecordingNative, recordingNative } from "./recording.ts";
export { decodeFields, encodeFields, encodeFrame, encodePlan, type Field, frameReader } from "./wire.ts";
export { type CgroupLayout, cgroupLayout, parseCgroupLayout } from "./cgroup-layout.ts";
