import type { PoolOptions } from "./database.ts";

export interface PoolSettings {
  readonly poolSize: number;
  readonly poolOverflow: number;
  /** In seconds. */
  readonly poolTimeout: number;
  readonly poolRecycle: number;
  readonly poolPrePing: boolean;
}

/** The settings of a pool, in its own units. */
export function poolOptions(settings: PoolSettings, name: string): PoolOptions {
  return {
    size: settings.poolSize,
    overflow: settings.poolOverflow,
    timeoutMs: settings.poolTimeout * 1000,
    recycleMs: settings.poolRecycle * 1000,
    prePing: settings.poolPrePing,
    name,
  };
}
