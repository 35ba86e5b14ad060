import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import type { WebSocket } from "ws";
import { Wire } from "../../../worker/src/api/sessions/wire.ts";

class Socket extends EventEmitter {
  readonly OPEN = 1;
  readonly readyState = 1;
  isPaused = false;
  pings = 0;
  pause() {
    this.isPaused = true;
  }
  resume() {
    this.isPaused = false;
  }
  ping() {
    this.pings++;
  }
}

describe("a client's wire", () => {
  it("does not judge a client by pongs that it does not read itself", () => {
    const socket = new Socket();
    const options = { bufferBytes: 1, now: () => 0, onSent: () => {} };
    const wire = new Wire(socket as unknown as WebSocket, options);
    assert.deepEqual([wire.beat(10, 10), socket.pings], [true, 1]);
    wire.pause();
    assert.deepEqual([wire.beat(20, 10), wire.beat(30, 10), socket.pings], [true, true, 1]);
    wire.resume();
    assert.deepEqual([wire.beat(39, 10), socket.pings], [true, 1]);
    assert.deepEqual([wire.beat(40, 10), socket.pings], [true, 2]);
    assert.equal(wire.beat(50, 10), false);
  });
});
