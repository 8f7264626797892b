import type { StreamSink } from "../response.ts";

/** A reader is given more when it has taken all but so much. */
const aheadBytes = 1024 * 1024;

/**
 * Calls `next`, which writes something and returns false when nothing is left, as fast as the sink's reader takes it; then
 * `done`. What fits at once is written before it returns. The returned function stops it.
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
