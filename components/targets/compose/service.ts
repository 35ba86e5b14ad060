export type HealthCheck = AskedHealth | { readonly disable: true };

/** What a healthy service answers, asked in its container. */
export interface AskedHealth {
  readonly test: readonly string[];
  readonly interval: string;
  readonly timeout: string;
  readonly start_period: string;
  readonly retries: number;
}

export type DependsOn = Readonly<
  Record<
    string,
    { readonly condition: "service_started" | "service_healthy" | "service_completed_successfully" }
  >
>;

/** A bind mount or a named volume. */
export interface Mount {
  readonly type: "bind" | "volume";
  readonly source: string;
  readonly target: string;
  readonly read_only?: true;
  /** A missing folder is an error, not a new empty one. */
  readonly bind?: { readonly create_host_path: false };
}

/** What a container may use at most, and what is set aside for it. */
export interface Resources {
  readonly limits: { readonly cpus: string; readonly memory: string; readonly pids: number };
  readonly reservations: {
    readonly memory: string;
    readonly devices?: readonly [
      { readonly driver: "nvidia"; readonly count: number; readonly capabilities: readonly ["gpu"] },
    ];
  };
}

/** The part of a service that confines it: `profile.ts` alone makes one. */
export interface Hardening {
  readonly user: string;
  readonly read_only: boolean;
  readonly cap_drop?: readonly ["ALL"];
  readonly security_opt: readonly string[];
  readonly tmpfs: readonly string[];
  readonly pids_limit: number;
  readonly memswap_limit: string;
  readonly deploy: { readonly replicas?: number; readonly resources: Resources };
}

/** What a service does, in Compose's words. */
export interface Workload {
  readonly image: string;
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly secrets?: readonly string[];
  readonly volumes?: readonly Mount[];
  readonly networks: readonly string[];
  /** `address:port:container port` */
  readonly ports?: readonly string[];
  readonly depends_on?: DependsOn;
  readonly healthcheck?: HealthCheck;
  readonly restart: "no" | "unless-stopped" | "on-failure:5";
  readonly init?: true;
  readonly stop_signal?: "SIGINT";
  readonly stop_grace_period?: string;
  readonly shm_size?: string;
  readonly group_add?: readonly string[];
  readonly extra_hosts?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
}

/** Where the engine puts a container's output. */
export interface Logging {
  readonly driver: string;
  readonly options: Readonly<Record<string, string>>;
}

/** A service of `compose.yaml`. */
export interface ComposeService extends Workload, Hardening {
  readonly logging: Logging;
}

/** A service with its place in the file. */
export interface NamedService {
  readonly name: string;
  /** What it is for: a comment above it. */
  readonly about: string;
  readonly service: ComposeService;
}

/** The same before it is known where its output goes. */
export interface UnloggedService extends Omit<NamedService, "service"> {
  readonly service: Workload & Hardening;
}
