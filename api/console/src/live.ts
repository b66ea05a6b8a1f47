// Changes of the user's documents, as they happen: a WebSocket while the page is visible,
// and asking again and again where the way here does not pass WebSockets.
import { address, call, type Schemas } from "./client.ts";
import { Cell } from "./cell.ts";
import { backoff, connection, outage } from "./connection.ts";
import type { Query } from "./router.ts";

export type Update = Schemas["TaskUpdate"]["data"];

export type Mode = "connecting" | "live" | "polling" | "resting";

export const mode = new Cell<Mode>("connecting");

/** A hidden page keeps its socket this long. */
const HIDDEN_MS = 60_000;
/** Openings that may fail, while the server answers otherwise, before the page polls. */
const FAILURES_MAX = 2;
/** How often a page that polls tries the socket again. */
const AGAIN_MS = 60_000;
/** Tasks whose last event is remembered for a resume: as many as one resume covers. */
const SEEN_MAX = 200;

export interface Listener {
  /** Something happened to a task. */
  update: (update: Update) => void;
  erased: (taskId: string) => void;
  /** Something may have been missed: fetch the list. */
  missed: () => void;
}

/** Listens until the returned function is called. */
export function listen(user: Query, listener: Listener): () => void {
  const live = new Live(user, listener);
  live.open();
  return () => live.end();
}

/** Closes a socket. One that is still opening is closed afterwards: browsers warn otherwise. */
function shut(socket: WebSocket | null): void {
  if (socket?.readyState === WebSocket.CONNECTING) socket.onopen = () => socket.close();
  else socket?.close();
}

class Live {
  #socket: WebSocket | null = null;
  #ended = false;
  #failures = 0;
  #tries = 0;
  /** When the first socket was connected, by the server's clock. */
  #since: string | null = null;
  #seen = new Map<string, number>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #hidden: ReturnType<typeof setTimeout> | undefined;
  #stop: (() => void)[] = [];

  constructor(
    readonly user: Query,
    readonly listener: Listener,
  ) {
    const seen = () => this.#visibility();
    document.addEventListener("visibilitychange", seen);
    this.#stop.push(() => document.removeEventListener("visibilitychange", seen));
    this.#stop.push(connection.onRetry(() => this.#socket ?? this.open()));
  }

  open(): void {
    if (this.#ended) return;
    clearTimeout(this.#timer);
    shut(this.#socket);
    const url = new URL(address("ws", { ...this.user, resume: this.#since ? true : null }));
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(url);
    this.#socket = socket;
    let connected = false;
    socket.onopen = () => {
      if (this.#since) socket.send(JSON.stringify({ type: "resume", since: this.#since, seen: Object.fromEntries(this.#seen) }));
    };
    socket.onmessage = (event) => {
      if (socket !== this.#socket) return;
      connected = true;
      this.#read(socket, JSON.parse(String(event.data)));
    };
    socket.onclose = (event) => {
      if (socket !== this.#socket) return;
      this.#socket = null;
      this.#lost(connected, event.code);
    };
  }

  #read(socket: WebSocket, message: { type: string; timestamp?: string; data?: Record<string, unknown> }): void {
    const data = message.data ?? {};
    switch (message.type) {
      case "connected":
        this.#failures = 0;
        this.#tries = 0;
        mode.set("live");
        if (!this.#since) this.#since = message.timestamp ?? null;
        this.listener.missed();
        break;
      case "task_update":
        this.#remember(String(data.taskId), Number(data.seq));
        this.listener.update(data as unknown as Update);
        break;
      case "task_erased":
        this.#seen.delete(String(data.taskId));
        this.listener.erased(String(data.taskId));
        break;
      case "resume_more":
        // The list says the rest: follow from now on.
        this.#since = message.timestamp ?? this.#since;
        this.#seen.clear();
        socket.send(JSON.stringify({ type: "resume", since: this.#since, seen: {} }));
        this.listener.missed();
        break;
      case "resumed":
        this.listener.missed();
        break;
    }
  }

  #remember(task: string, seq: number): void {
    if (!Number.isFinite(seq)) return;
    this.#seen.delete(task);
    this.#seen.set(task, seq);
    if (this.#seen.size > SEEN_MAX) this.#seen.delete(this.#seen.keys().next().value!);
  }

  /** The socket is gone: was it the way here, the server, or the end of the session? */
  #lost(connected: boolean, code: number): void {
    if (this.#ended || mode.value === "resting") return;
    if (mode.value !== "polling") mode.set("connecting");
    void call("health").then(
      () => {
        if (code === 4401 || code === 4403) void call("api/me").catch(() => {});
        if (!connected) this.#failures += 1;
        if (this.#failures >= FAILURES_MAX) {
          mode.set("polling");
          this.#again(AGAIN_MS);
        } else {
          this.#tries += 1;
          this.#again(backoff(this.#tries));
        }
      },
      // The server does not answer: the next try is everybody's.
      () => {
        if (!outage.value) this.#again(backoff(1));
      },
    );
  }

  #again(wait: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.open(), wait);
  }

  #visibility(): void {
    clearTimeout(this.#hidden);
    if (document.visibilityState === "hidden") {
      this.#hidden = setTimeout(() => {
        mode.set("resting");
        shut(this.#socket);
        this.#socket = null;
        clearTimeout(this.#timer);
      }, HIDDEN_MS);
    } else if (mode.value === "resting") {
      mode.set("connecting");
      this.open();
    }
  }

  end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#hidden);
    for (const stop of this.#stop) stop();
    shut(this.#socket);
    this.#socket = null;
    mode.set("connecting");
  }
}
