import {
  ComponentResource,
  type ComponentResourceOptions,
  type Input,
  type Output,
  type Resource,
} from "@pulumi/pulumi";
import type { ComposeProjectInputs } from "../../hosts/compose/project-inputs.ts";
import type { HostFile } from "../../hosts/process-inputs.ts";
import { ComposeProject, GeneratedSecret, WatchedFile } from "../../hosts/resources.ts";
import { redisPasswordHash } from "../../platform/redis.ts";
import { fill, type Values } from "../fill.ts";
import { type Reference, referencesIn } from "../references.ts";
import type { ComposeDocument } from "./document.ts";

/** Secrets that the stack makes, and what their resources are called. */
const GENERATED = {
  redisPassword: "redis-password",
  postgresAdminPassword: "postgres-admin-password",
  postgresMigratePassword: "postgres-migrate-password",
  postgresAppPassword: "postgres-app-password",
  postgresBackupPassword: "postgres-backup-password",
  apiKey: "api-key",
  grafanaPassword: "grafana-password",
} as const satisfies Partial<Record<Reference, string>>;

const PASSWORD_BYTES = 32;

/** What the stack decides beside the document. */
export interface ComposePlacement
  extends Pick<ComposeProjectInputs, "directory" | "host" | "deleteData" | "record"> {
  /** References by variable of `.env`. */
  readonly images: Readonly<Record<string, Input<string>>>;
  /** Written here, by name, once the project is up. */
  readonly clientFiles: Readonly<Record<string, HostFile>>;
}

/** A fleet as a Compose project, as `compile` laid it out. */
export class ComposeFleet extends ComponentResource {
  readonly project: ComposeProject;

  /**
   * `name`: the stack's. `given`: what the stack's config holds as secrets: those of handlers, the addresses of a
   * database that the stack does not start.
   */
  constructor(
    name: string,
    document: ComposeDocument,
    placement: ComposePlacement,
    given: Values = {},
    options?: ComponentResourceOptions,
  ) {
    super("taskfleet:compose:Fleet", name, {}, options);
    const { clientFiles, ...place } = placement;
    const texts = [...document.files, ...Object.values(clientFiles)].map(({ content }) => content);
    const values = { ...this.#createSecrets(name, texts), ...given };
    this.project = this.#createProject(name, document, place, values);
    for (const [part, file] of Object.entries(clientFiles))
      this.#createClientFile(`${name}-${part}`, file, values, this.project);
    this.registerOutputs({ folder: this.project.folder });
  }

  /** Those that the texts refer to. */
  #createSecrets(name: string, texts: readonly string[]): Values {
    const wanted = new Set(texts.flatMap(referencesIn));
    const values: Partial<Record<Reference, Output<string>>> = {};
    for (const [reference, secret] of Object.entries(GENERATED) as [keyof typeof GENERATED, string][]) {
      const isWanted =
        wanted.has(reference) || (reference === "redisPassword" && wanted.has("redisPasswordHash"));
      if (!isWanted) continue;
      const args = { bytes: PASSWORD_BYTES };
      values[reference] = new GeneratedSecret(`${name}-${secret}`, args, { parent: this }).value;
    }
    const hash = values.redisPassword?.apply(redisPasswordHash);
    return { ...values, ...(hash === undefined ? {} : { redisPasswordHash: hash }) };
  }

  #createProject(
    name: string,
    document: ComposeDocument,
    place: Omit<ComposePlacement, "clientFiles">,
    values: Values,
  ): ComposeProject {
    const { project, files, services, readySeconds, stopSeconds } = document;
    const filled = files.map(
      ({ path, content, mode }) => [path, { content: fill(content, values), mode }] as const,
    );
    const plans = services.map(({ name: service, ...plan }) => [service, plan] as const);
    const args = {
      ...place,
      ...{ project, readySeconds, stopSeconds },
      files: Object.fromEntries(filled),
      services: Object.fromEntries(plans),
    };
    return new ComposeProject(`${name}-project`, args, { parent: this });
  }

  #createClientFile(name: string, file: HostFile, values: Values, project: Resource): WatchedFile {
    const args = { ...file, content: fill(file.content, values) };
    return new WatchedFile(name, args, { parent: this, dependsOn: [project] });
  }
}
