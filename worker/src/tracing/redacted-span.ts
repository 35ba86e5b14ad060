/** Spans as they may leave the process: without secrets, and no text of them too long. */
import type { Attributes, AttributeValue } from "@opentelemetry/api";
import type { ReadableSpan } from "@opentelemetry/sdk-trace-base";

type Redact = (text: string) => string;

/** Texts are cut after secrets are taken out, so that no part of one is left. */
const LONGEST_TEXT = 8_000;

function safeText(text: string, redact: Redact): string {
  return redact(text).slice(0, LONGEST_TEXT);
}

function safeValue(value: AttributeValue | undefined, redact: Redact): AttributeValue | undefined {
  if (typeof value === "string") return safeText(value, redact);
  if (typeof value === "number")
    return redact(String(value)) === String(value) ? value : redact(String(value));
  if (!Array.isArray(value)) return value;
  return value.map((part: unknown) => (typeof part === "string" ? safeText(part, redact) : part)) as string[];
}

/** Of resources too. */
export function safeAttributes(attributes: Attributes, redact: Redact): Attributes {
  const entries = Object.entries(attributes).map(([name, value]) => [redact(name), safeValue(value, redact)]);
  return Object.fromEntries(entries) as Attributes;
}

/** A copy whose names, attributes, events, links and status show no secret. */
export function redactedSpan(span: ReadableSpan, redact: Redact): ReadableSpan {
  const { message, ...status } = span.status;
  return {
    name: safeText(span.name, redact),
    kind: span.kind,
    spanContext: () => span.spanContext(),
    ...(span.parentSpanContext === undefined ? {} : { parentSpanContext: span.parentSpanContext }),
    startTime: span.startTime,
    endTime: span.endTime,
    status: message === undefined ? status : { ...status, message: safeText(message, redact) },
    attributes: safeAttributes(span.attributes, redact),
    links: span.links.map((link) => ({
      ...link,
      ...(link.attributes && { attributes: safeAttributes(link.attributes, redact) }),
    })),
    events: span.events.map((event) => ({
      ...event,
      name: safeText(event.name, redact),
      ...(event.attributes && { attributes: safeAttributes(event.attributes, redact) }),
    })),
    duration: span.duration,
    ended: span.ended,
    resource: span.resource,
    instrumentationScope: span.instrumentationScope,
    droppedAttributesCount: span.droppedAttributesCount,
    droppedEventsCount: span.droppedEventsCount,
    droppedLinksCount: span.droppedLinksCount,
  };
}
