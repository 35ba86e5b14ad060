/** Type tokens of the provider's resources; the first part is the provider's name. */
export const RESOURCE_TYPES = {
  process: "taskfleet:host:Process",
  secret: "taskfleet:host:Secret",
  file: "taskfleet:host:File",
  command: "taskfleet:host:Command",
  workers: "taskfleet:host:Workers",
  composeProject: "taskfleet:host:ComposeProject",
} as const;
