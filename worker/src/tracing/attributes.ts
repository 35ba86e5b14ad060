/** What spans say, in the terms of OpenTelemetry's conventions for messaging. */
import type { Attributes } from "@opentelemetry/api";
import {
  ATTR_MESSAGING_CONSUMER_GROUP_NAME,
  ATTR_MESSAGING_DESTINATION_NAME,
  ATTR_MESSAGING_MESSAGE_ID,
  ATTR_MESSAGING_OPERATION_NAME,
  ATTR_MESSAGING_OPERATION_TYPE,
  ATTR_MESSAGING_SYSTEM,
} from "@opentelemetry/semantic-conventions/incubating";
import { CONSUMER_GROUP } from "../../contract/queue-keys.ts";
import type { DeliveredTask } from "../core/task.ts";

/** The conventions list no name for streams of Redis. */
const SYSTEM = "redis_streams";

/** Ours, where the conventions have none. */
export const TASK = {
  kind: "taskfleet.task.kind",
  /** 1 for the first run. */
  attempt: "taskfleet.task.attempt",
  /** How often it was taken back from a worker that fell silent. */
  redeliveries: "taskfleet.task.redeliveries",
  priority: "taskfleet.task.priority",
  /** `success`, `error`, `cancelled`, `retry`, `dead` or `released`. */
  outcome: "taskfleet.task.outcome",
  /** Of a retry. */
  delayMs: "taskfleet.task.delay_ms",
  /** Why an attempt is linked: `retry` or `redelivery`. */
  link: "taskfleet.link",
} as const;

export function operation(type: "send" | "process" | "settle", name: string, stream: string): Attributes {
  return {
    [ATTR_MESSAGING_SYSTEM]: SYSTEM,
    [ATTR_MESSAGING_OPERATION_TYPE]: type,
    [ATTR_MESSAGING_OPERATION_NAME]: name,
    [ATTR_MESSAGING_DESTINATION_NAME]: stream,
  };
}

export function taskAttributes(task: DeliveredTask): Attributes {
  return {
    [ATTR_MESSAGING_CONSUMER_GROUP_NAME]: CONSUMER_GROUP,
    [ATTR_MESSAGING_MESSAGE_ID]: task.id,
    [TASK.kind]: task.kind,
    [TASK.attempt]: task.attempts + 1,
    [TASK.redeliveries]: task.deliveries,
    [TASK.priority]: task.priority,
  };
}
