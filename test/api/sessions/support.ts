import assert from "node:assert/strict";
import { type ClientOptions, WebSocket } from "ws";
import { SESSION_KEY_PROTOCOL, SESSION_PATH, SESSION_PROTOCOL } from "../../../worker/contract/sessions.ts";
import { waitFor } from "../../support/wait.ts";
import { FIRST_KEY, type TestApi } from "../support.ts";

export interface Message {
  readonly type: string;
  readonly [name: string]: unknown;
}

const clients: SessionClient[] = [];

/** Cuts off whatever a test left; one that does not read would not hear of its end. */
export function cutClients(): void {
  for (const client of clients.splice(0)) client.ws.terminate();
}

/** A client of sessions, on a real socket. */
export class SessionClient {
  readonly ws: WebSocket;
  readonly messages: Message[] = [];
  /** Close code and reason. */
  readonly closed: Promise<readonly [number, string]>;

  constructor(base: string, key: string, query = "", options: ClientOptions = {}) {
    const url = `${base.replace("http:", "ws:")}${SESSION_PATH}${query}`;
    const protocols = [SESSION_PROTOCOL, `${SESSION_KEY_PROTOCOL}${key}`];
    this.ws = new WebSocket(url, protocols, options);
    clients.push(this);
    this.ws.on("message", (data) => this.messages.push(JSON.parse(String(data))));
    this.ws.on("error", () => {});
    this.closed = new Promise((resolve) =>
      this.ws.on("close", (code, reason) => resolve([code, reason.toString()])),
    );
  }

  /** Connects. */
  static async connect(
    api: Pick<TestApi, "base">,
    {
      key = FIRST_KEY,
      query = "",
      options = {},
    }: { key?: string; query?: string; options?: ClientOptions } = {},
  ): Promise<SessionClient> {
    const client = new SessionClient(api.base, key, query, options);
    await new Promise((resolve, reject) => {
      client.ws.once("open", resolve);
      client.ws.once("error", reject);
    });
    return client;
  }

  /** Connects and opens a session. */
  static async open(
    api: Pick<TestApi, "base">,
    how: { key?: string; options?: ClientOptions } = {},
  ): Promise<SessionClient> {
    const client = await SessionClient.connect(api, how);
    client.say({ type: "open" });
    await client.next("session");
    return client;
  }

  /** Connects and goes on with a session after that event. */
  static async resume(
    api: Pick<TestApi, "base">,
    token: string,
    after?: string,
    how: { key?: string } = {},
  ): Promise<SessionClient> {
    const client = await SessionClient.connect(api, how);
    client.say({ type: "resume", token, ...(after === undefined ? {} : { after }) });
    return client;
  }

  get token(): string {
    const session = this.messages.find(({ type }) => type === "session");
    assert.ok(typeof session?.token === "string");
    return session.token;
  }

  get events(): Message[] {
    return this.messages.filter(({ type }) => type === "event");
  }

  /** Events but progress: id, state and attempt of each. */
  get states(): string[] {
    return this.events
      .filter(({ state }) => state !== "progress")
      .map(({ id, state, attempt }) => [id, state, attempt].filter((fact) => fact !== undefined).join(" "));
  }

  /** Cursor of the last event. */
  get cursor(): string {
    return String(this.events.at(-1)?.cursor ?? 0);
  }

  say(message: unknown): void {
    this.ws.send(typeof message === "string" ? message : JSON.stringify(message));
  }

  /** The first message of that type, or that fits. */
  next(what: string | ((message: Message) => boolean)): Promise<Message> {
    const fits = typeof what === "string" ? ({ type }: Message) => type === what : what;
    return waitFor(`a message ${what} among ${this.messages.length}`, () => this.messages.find(fits));
  }

  /** Pushes and returns the answer. */
  async push(ref: string, task: object = { kind: "k" }, more: object = {}): Promise<Message> {
    this.say({ type: "push", ref, task, ...more });
    return this.next((message) => message.ref === ref);
  }

  /** Waits until so many states were told. */
  async told(count: number): Promise<string[]> {
    await waitFor(`${count} events`, () => this.states.length >= count);
    return this.states;
  }

  /** The connection is gone without a word. */
  async cut(): Promise<void> {
    this.ws.terminate();
    await this.closed;
  }

  async close(): Promise<void> {
    this.ws.close(1000);
    await this.closed;
  }
}
