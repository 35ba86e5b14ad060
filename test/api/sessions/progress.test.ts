import assert from "node:assert/strict";
import { Session, type SessionParts } from "../../../worker/src/api/sessions/session.ts";

describe("a session's progress", () => {
  it("that comes while the client has no room is told next, and none is lost", async () => {
    const sent: unknown[] = [];
    const room: (() => void)[] = [];
    const parts = {
      held: { tag: "a", holder: "b" },
      store: { read: async () => [] },
      wire: {
        room: () => new Promise<boolean>((resolve) => room.push(() => resolve(true))),
        send: (text: string) => sent.push(JSON.parse(text)),
      },
    };
    const session = new Session(parts as unknown as SessionParts, 7);
    const event = (id: string, done: number) => ({
      ...{ type: "event", cursor: "7", state: "progress", id, done, note: "" },
    });
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    session.noteProgress("x", 0.1, "");
    session.noteProgress("y", 0.1, "");
    const first = session.pump();
    await turn();
    room.shift()?.();
    await turn();
    session.noteProgress("x", 0.2, "");
    session.noteProgress("y", 0.3, "");
    room.shift()?.();
    await first;
    assert.deepEqual(sent, [event("x", 0.1), event("y", 0.3)]);
    const second = session.pump();
    await turn();
    room.shift()?.();
    await second;
    assert.deepEqual(sent.slice(2), [event("x", 0.2)]);
  });
});
