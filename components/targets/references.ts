/**
 * Values that are born in other resources, as they stand in the texts of a target's document. The compiler
 * writes them; the component fills them in.
 */
export const REFERENCES = {
  /** `host:port` of the queue's Redis. */
  redisAddress: "{{redis.address}}",
  redisPassword: "{{redis.password}}",
  /** Hex SHA-256 of the password. */
  redisPasswordHash: "{{redis.password-hash}}",
  /** Port of the record's PostgreSQL. */
  postgresPort: "{{postgres.port}}",
  /** Another one whenever that server was started anew. */
  postgresStart: "{{postgres.start}}",
  postgresAdminPassword: "{{postgres.admin-password}}",
  postgresMigratePassword: "{{postgres.migrate-password}}",
  postgresAppPassword: "{{postgres.app-password}}",
  postgresBackupPassword: "{{postgres.backup-password}}",
  /** Addresses of a database that the stack does not start. */
  databaseUrl: "{{database.url}}",
  databaseMigrateUrl: "{{database.migrate-url}}",
  databaseBackupUrl: "{{database.backup-url}}",
  databaseAdminUrl: "{{database.admin-url}}",
  apiKey: "{{api.key}}",
  /** JSON object of the secrets in the stack's config. */
  handlerSecrets: "{{handlers.secrets}}",
  grafanaPassword: "{{grafana.password}}",
} as const;

export type Reference = keyof typeof REFERENCES;

/** The references that a text holds. */
export function referencesIn(text: string): readonly Reference[] {
  const names = Object.keys(REFERENCES) as Reference[];
  return names.filter((name) => text.includes(REFERENCES[name]));
}

/** The text with these values in the places of their references. */
export function fillReferences(text: string, values: Partial<Readonly<Record<Reference, string>>>): string {
  return referencesIn(text).reduce((filled, name) => {
    const value = values[name];
    if (value === undefined) throw new Error(`no value for the reference ${REFERENCES[name]}`);
    return filled.replaceAll(REFERENCES[name], () => value);
  }, text);
}
