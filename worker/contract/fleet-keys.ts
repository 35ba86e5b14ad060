/** Redis keys that belong to no queue. Each script touches one of them. */
export const FLEET_KEYS = {
  /** Hash: id of an API key → JSON of its record, which holds a digest of its secret. */
  apiKeys: "taskfleet:api-keys",
  /** Prefix of a client's list: its last counted calls, in ms of the server's clock. All are in one slot of a Cluster. */
  rate: "{taskfleet:rate}:",
  /** Hash: id of a process of the role api → ms of the server's clock, a space, JSON of its last report. */
  apis: "taskfleet:apis",
} as const;
