import { Type } from "typebox";
import { SESSION_PATH, SESSION_PROTOCOL } from "../../../contract/sessions.ts";
import { Problem } from "../problems.ts";
import { StreamQuery } from "../schemas.ts";
import type { Server } from "../server.ts";
import { keyed } from "./route.ts";

/** What requests without an upgrade are told; `sessions/upgrade.ts` takes those with one. */
export function addSessionRoute(app: Server): void {
  app.get(
    SESSION_PATH,
    keyed("sessions:open", {
      ...{ tag: "tasks", summary: "Push and follow tasks over WebSocket (docs/api.md)", query: StreamQuery },
      ends: { 101: Type.Null({ description: "Switching protocols" }) },
      fails: ["upgrade-required"],
    }),
    () => {
      const headers = { upgrade: "websocket", connection: "Upgrade" };
      throw new Problem("upgrade-required", {
        detail: `connect with a WebSocket client, subprotocol ${SESSION_PROTOCOL}`,
        headers,
      });
    },
  );
}
