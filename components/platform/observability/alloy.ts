import { PORTS } from "./names.ts";

/** Docker cuts longer lines into parts of 16 KiB; this is what one UDP datagram can carry. */
const LONGEST_MESSAGE_BYTES = 65_507;

/**
 * `config.alloy`: takes containers' logs as syslog, which the engine sends to a port of its own loopback, and hands
 * them to Loki. So nobody but the engine reads the engine's files, and nobody holds its socket.
 */
export function alloyConfig({ fleet }: { readonly fleet: string }): string {
  return `// Written by taskfleet.
logging {
  level = "warn"
}

loki.source.syslog "containers" {
  listener {
    address                = "0.0.0.0:${PORTS.syslog}"
    protocol               = "udp"
    syslog_format          = "rfc5424"
    use_incoming_timestamp = true
    max_message_length     = ${LONGEST_MESSAGE_BYTES}
    labels                 = { fleet = ${JSON.stringify(fleet)} }
  }
  relabel_rules = loki.relabel.containers.rules
  forward_to    = [loki.process.records.receiver]
}

// The tag that Compose gives: container's name; its service is what is left without project and number.
loki.relabel "containers" {
  forward_to = []

  rule {
    source_labels = ["__syslog_message_app_name"]
    target_label  = "container"
  }
  rule {
    source_labels = ["__syslog_message_app_name"]
    regex         = "(?:[a-z0-9_]+-)?(.+?)(?:-\\\\d+)?"
    target_label  = "service"
  }
}

// Records of taskfleet's own roles are JSON: their level becomes a label; other lines pass as they are.
loki.process "records" {
  forward_to = [loki.write.loki.receiver]

  stage.json {
    expressions = { level = "level" }
  }
  stage.labels {
    values = { level = "" }
  }
}

loki.write "loki" {
  endpoint {
    url = "http://loki:${PORTS.loki}/loki/api/v1/push"
  }
}
`;
}
