/**
 * Tracing with OpenTelemetry: spans go to a collector by OTLP over HTTP, in batches, and are dropped
 * rather than waited for.
 *
 * The provider is this region's own and not the library's global one: three regions in one process have
 * three, and nothing that is merely imported is instrumented. A collector that does not answer costs a
 * line in the log a minute, and never a request.
 */
import type { Attributes, Span as OtelSpan, Tracer } from "@opentelemetry/api";
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import type { SpanExporter } from "@opentelemetry/sdk-trace";
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import type { Clock, Log, Span, SpanOptions, Tracing } from "@atoll/core";
import { errorText, limits, parseTraceparent, traceparentOf } from "@atoll/core";
import { VERSION } from "./version.ts";

export interface TracingConfig {
  /** Where the collector takes traces. */
  readonly url: URL;
  /** Of requests that bring no trace of their own: the part of them that is traced. */
  readonly sample: number;
}

const KINDS = { server: SpanKind.SERVER, consumer: SpanKind.CONSUMER } as const;
/** The library's own code for a batch that has arrived. */
const EXPORTED = 0;

export class OpenTelemetry implements Tracing {
  readonly #provider: TracerProvider;
  readonly #tracer: Tracer;

  constructor(options: {
    readonly config: TracingConfig;
    readonly region: string;
    readonly cluster: string;
    readonly clock: Clock;
    readonly log: Log;
  }) {
    const { config, region, cluster, clock, log } = options;
    const exporter = new OTLPTraceExporter({
      url: config.url.href,
      timeoutMillis: limits.TRACE_EXPORT_MS_MAX,
      concurrencyLimit: limits.TRACE_EXPORTS_MAX,
    });
    this.#provider = new TracerProvider({
      resource: resourceFromAttributes({
        "service.name": "atoll",
        "service.version": VERSION,
        "service.namespace": cluster,
        "service.instance.id": region,
        "atoll.region": region,
      }),
      sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(config.sample) }),
      spanProcessors: [
        new BatchSpanProcessor({
          exporter: reporting(exporter, clock, log),
          maxQueueSize: limits.TRACE_SPANS_QUEUED_MAX,
          scheduledDelayMillis: limits.TRACE_EXPORT_PERIOD_MS,
          exportTimeoutMillis: limits.TRACE_EXPORT_MS_MAX,
        }),
      ],
    });
    this.#tracer = this.#provider.getTracer("atoll", VERSION);
  }

  begin(name: string, { kind, parent, startMs, attributes }: SpanOptions): Span | undefined {
    const span = this.#tracer.startSpan(
      name,
      {
        kind: KINDS[kind],
        ...(startMs !== undefined && { startTime: startMs }),
        ...(attributes !== undefined && { attributes }),
      },
      contextOf(parent),
    );
    return span.isRecording() ? this.#spanOf(span) : undefined;
  }

  /** Sends what is queued, if the collector takes it in time. */
  async close(): Promise<void> {
    await this.#provider.shutdown();
  }

  #spanOf(span: OtelSpan): Span {
    const { traceId, spanId, traceFlags: flags } = span.spanContext();
    return {
      traceparent: traceparentOf({ traceId, spanId, flags }),
      child: (name, attributes: Attributes = {}) =>
        this.#spanOf(
          this.#tracer.startSpan(name, { attributes }, trace.setSpan(ROOT_CONTEXT, span)),
        ),
      end: ({ attributes, failed } = {}) => {
        if (attributes !== undefined) span.setAttributes(attributes);
        if (failed === true) span.setStatus({ code: SpanStatusCode.ERROR });
        span.end();
      },
    };
  }
}

function contextOf(parent: string | undefined) {
  const parsed = parseTraceparent(parent);
  if (parsed === undefined) return ROOT_CONTEXT;
  const { traceId, spanId, flags: traceFlags } = parsed;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true });
}

/** The same exporter, whose failures are told: once in a while, because they come with every batch. */
function reporting(exporter: SpanExporter, clock: Clock, log: Log): SpanExporter {
  let quietUntilMs = -Infinity;
  return {
    export(spans, settle) {
      exporter.export(spans, (result) => {
        if (Number(result.code) !== EXPORTED && clock.monotonicMs() >= quietUntilMs) {
          quietUntilMs = clock.monotonicMs() + limits.TRACE_FAULT_PERIOD_MS;
          log.warn("traces-not-exported", { spans: spans.length, error: errorText(result.error) });
        }
        settle(result);
      });
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => exporter.forceFlush?.(),
  };
}
