/** Spans of a trace. */
import type { TraceContext } from "./trace-context.ts";

export type AttributeValue = string | number | boolean;
export type Attributes = Readonly<Record<string, AttributeValue | undefined>>;

/** OTLP's numbers. */
export const spanKinds = { internal: 1, server: 2, client: 3 } as const;

export interface FinishedSpan {
  context: TraceContext;
  /** ID of the parent span; "" for the root of a trace. */
  parentId: string;
  /** Link to another trace that led to this one. */
  link: TraceContext | undefined;
  name: string;
  kind: keyof typeof spanKinds;
  /** Milliseconds since the epoch, with fractions. */
  began: number;
  ended: number;
  attributes: Attributes;
  /** The error message; undefined on success. */
  error: string | undefined;
}

export interface SpanSurroundings {
  /** Milliseconds since the epoch, with fractions; monotonic. */
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

/** A span. It is recorded if its trace is sampled; else it only propagates the context. */
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

  /** Further calls have no effect. */
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

  /** Runs the operation of the span and records its rejection. */
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
