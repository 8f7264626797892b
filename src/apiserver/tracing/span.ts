/** Spans: who did what, when, for whom. */
import type { TraceContext } from "./trace-context.ts";

export type AttributeValue = string | number | boolean;
export type Attributes = Readonly<Record<string, AttributeValue | undefined>>;

/** As OTLP numbers them. */
export const spanKinds = { internal: 1, server: 2, client: 3 } as const;

export interface FinishedSpan {
  context: TraceContext;
  /** Span from which it comes; "" for the first of a trace. */
  parentId: string;
  /** Another trace that led to this one. */
  link: TraceContext | undefined;
  name: string;
  kind: keyof typeof spanKinds;
  /** Milliseconds since the epoch, with fractions. */
  began: number;
  ended: number;
  attributes: Attributes;
  /** Why it failed; undefined when it did not. */
  error: string | undefined;
}

export interface SpanSurroundings {
  /** Milliseconds since the epoch, with fractions, that never go backwards. */
  now(): number;
  newId(bytes: number): string;
  finished(span: FinishedSpan): void;
}

export interface SpanStart {
  name: string;
  kind: FinishedSpan["kind"];
  began?: number;
  attributes?: Attributes;
}

/** One that is recorded if its trace is sampled; else it only passes the trace on. */
export class Span {
  readonly context: TraceContext;
  readonly #around: SpanSurroundings;
  readonly #start: SpanStart & { began: number };
  readonly #parent: { id: string; link: TraceContext | undefined };
  #ended = false;

  constructor(
    around: SpanSurroundings,
    start: SpanStart,
    context: TraceContext,
    parent: { id: string; link: TraceContext | undefined },
  ) {
    this.#around = around;
    this.#start = { ...start, began: start.began ?? around.now() };
    this.context = context;
    this.#parent = parent;
  }

  child(start: SpanStart): Span {
    const { context } = this;
    const own = { ...context, spanId: this.#around.newId(8) };
    return new Span(this.#around, start, own, { id: context.spanId, link: undefined });
  }

  /** Once is enough; again does nothing. */
  end(attributes: Attributes = {}, error?: string): void {
    if (this.#ended) return;
    this.#ended = true;
    if (!this.context.sampled) return;
    const { name, kind, began } = this.#start;
    this.#around.finished({
      context: this.context,
      parentId: this.#parent.id,
      link: this.#parent.link,
      name,
      kind,
      began,
      ended: this.#around.now(),
      attributes: { ...this.#start.attributes, ...attributes },
      error,
    });
  }

  /** Runs what the span is about. Rejections are told of in its status. */
  async over<T>(run: () => Promise<T>): Promise<T> {
    try {
      const result = await run();
      this.end();
      return result;
    } catch (error) {
      this.end({}, error instanceof Error ? error.message : String(error));
      throw error;
    }
  }
}
