import type { StreamSink } from "../response.ts";

/** More is written when the backlog is shorter than this. */
const aheadBytes = 1024 * 1024;

/**
 * Calls `next`, which writes something and returns false when nothing is left, as fast as the client reads; then calls `done`. What
 * fits into the backlog is written synchronously. The returned function stops it.
 */
export function feed(sink: StreamSink, next: () => boolean, done: () => void): () => void {
  let stopped = false;
  const more = (): void => {
    while (!stopped) {
      if (sink.backlog > aheadBytes) {
        sink.whenTaken(more);
        return;
      }
      if (next() || stopped) continue;
      stopped = true;
      done();
    }
  };
  more();
  return () => {
    stopped = true;
  };
}
