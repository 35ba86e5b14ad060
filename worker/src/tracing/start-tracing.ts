/** Tracing by OpenTelemetry's SDK; loaded only where tracing is on. */
import { hostname } from "node:os";
import { context, propagation, trace } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  BasicTracerProvider,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
} from "@opentelemetry/sdk-trace-base";
import { ATTR_SERVICE_NAME, ATTR_SERVICE_VERSION } from "@opentelemetry/semantic-conventions";
import { ATTR_HOST_NAME, ATTR_SERVICE_INSTANCE_ID } from "@opentelemetry/semantic-conventions/incubating";
import { LOG_EVENTS } from "../../contract/log-events.ts";
import { AtMostEvery } from "../runtime/event-limits.ts";
import { ActiveContext } from "./active-context.ts";
import { AttemptSpans } from "./attempt-spans.ts";
import { BoundedExport } from "./bounded-export.ts";
import { openExporters } from "./exporters.ts";
import type { Receivers, TracingLog } from "./open-tracing.ts";
import { W3CPropagator } from "./propagation.ts";
import { safeAttributes } from "./redacted-span.ts";
import { RequestSpans } from "./request-spans.ts";
import { SendSpans } from "./send-spans.ts";
import { PlannedIds } from "./span-ids.ts";
import type { Tracing } from "./tracing.ts";

export interface StartOptions extends Receivers {
  /** 0 to 1. */
  readonly sample: number;
  readonly serviceName: string;
  /** "" for none. */
  readonly instance: string;
  readonly version: string;
  readonly redact: (text: string) => string;
  readonly logger: TracingLog;
}

const DROPS_EVERY_MS = 60_000;
const STOP_MS = 2_000;
const LONGEST_WHY = 300;

/** Counts spans that are lost, and says so once a minute at most. */
class Drops {
  readonly #logger: StartOptions["logger"];
  readonly #limit = new AtMostEvery(DROPS_EVERY_MS);
  #unlogged = 0;
  count = 0;

  constructor(logger: StartOptions["logger"]) {
    this.#logger = logger;
  }

  add(receiver: string, spans: number, why: string): void {
    this.count += spans;
    this.#unlogged += spans;
    if (this.#limit.pass(performance.now()) !== null) this.#log({ receiver, why });
  }

  /** What was not logged yet. */
  flush(): void {
    if (this.#unlogged > 0) this.#log({});
  }

  #log(more: object): void {
    this.#logger.warn({ spans: this.#unlogged, ...more }, LOG_EVENTS.spansDropped);
    this.#unlogged = 0;
  }
}

function resourceOf({ serviceName, instance, version, redact }: StartOptions) {
  const attributes = {
    [ATTR_SERVICE_NAME]: serviceName,
    [ATTR_HOST_NAME]: hostname(),
    ...(instance === "" ? {} : { [ATTR_SERVICE_INSTANCE_ID]: instance }),
    ...(version === "" ? {} : { [ATTR_SERVICE_VERSION]: version }),
  };
  return resourceFromAttributes(safeAttributes(attributes, redact));
}

export async function startTracing(options: StartOptions): Promise<Tracing> {
  const drops = new Drops(options.logger);
  const { redact, sample } = options;
  const exporters = await openExporters(options);
  const exports = exporters.map(({ name, exporter }) => {
    const onDropped = (spans: number, why: string) =>
      drops.add(name, spans, redact(why).slice(0, LONGEST_WHY));
    return new BoundedExport({ exporter, redact, onDropped });
  });
  const ids = new PlannedIds();
  const provider = new BasicTracerProvider({
    resource: resourceOf(options),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(sample) }),
    idGenerator: ids,
    spanProcessors: exports,
  });
  // Libraries of handlers find them here, whatever copy of the API they have.
  context.setGlobalContextManager(new ActiveContext());
  propagation.setGlobalPropagator(new W3CPropagator());
  trace.setGlobalTracerProvider(provider);
  const tracer = provider.getTracer("taskfleet");
  options.logger.info({ receivers: exporters.map(({ name }) => name), sample }, LOG_EVENTS.tracing);
  return {
    attempts: new AttemptSpans(tracer, ids),
    sends: new SendSpans(tracer),
    requests: new RequestSpans(tracer),
    get dropped() {
      return drops.count;
    },
    stop: async () => {
      const patience = new Promise((resolve) => setTimeout(resolve, STOP_MS));
      await Promise.race([provider.shutdown().catch(() => {}), patience]);
      for (const one of exports) one.giveUp();
      drops.flush();
    },
  };
}
