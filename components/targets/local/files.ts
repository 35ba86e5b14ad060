import { join } from "node:path";
import type { LocalContext } from "./document.ts";

/** Holds the queue's password. */
export const redisPasswordFile = ({ paths }: LocalContext) => join(paths.secrets, "redis-password");
