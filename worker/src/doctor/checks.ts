import type { Check } from "./check.ts";
import { alerts } from "./checks/alerts.ts";
import { appendOnly } from "./checks/append-only.ts";
import { backlog } from "./checks/backlog.ts";
import { backups } from "./checks/backups.ts";
import { cleanup } from "./checks/cleanup.ts";
import { connectivity } from "./checks/connectivity.ts";
import { databaseSsl } from "./checks/database-ssl.ts";
import { eviction } from "./checks/eviction.ts";
import { gracePeriod } from "./checks/grace-period.ts";
import { gracefulTimeout } from "./checks/graceful-timeout.ts";
import { healthEndpoints } from "./checks/health-endpoints.ts";
import { loadTesting } from "./checks/load-testing.ts";
import { metricsExported } from "./checks/metrics-exported.ts";
import { migrations } from "./checks/migrations.ts";
import { networkPolicies } from "./checks/network-policies.ts";
import { password } from "./checks/password.ts";
import { pooling } from "./checks/pooling.ts";
import { rateLimiting } from "./checks/rate-limiting.ts";
import { redisSecure } from "./checks/redis-secure.ts";
import { retentionMemory } from "./checks/retention-memory.ts";
import { secretsStored } from "./checks/secrets.ts";
import { structuredLogging } from "./checks/structured-logging.ts";
import { sweepInterval } from "./checks/sweep-interval.ts";
import { workerErrors } from "./checks/worker-errors.ts";
import { workers } from "./checks/workers.ts";

/** Every check, in the order of the report: agentexec's checklist line by line, then the worker-pool runbook's, then hazards. */
export const CHECKS: readonly Check[] = [
  migrations,
  databaseSsl,
  redisSecure,
  pooling,
  gracefulTimeout,
  healthEndpoints,
  structuredLogging,
  metricsExported,
  alerts,
  secretsStored,
  backups,
  cleanup,
  rateLimiting,
  networkPolicies,
  loadTesting,
  workers,
  workerErrors,
  backlog,
  connectivity,
  eviction,
  appendOnly,
  password,
  retentionMemory,
  gracePeriod,
  sweepInterval,
];
