// The files that wait to be sent and those on their way. The queue outlives the screen.
import { Cell } from "./cell.ts";
import { Refused, Unreachable } from "./client.ts";
import { connection, outage } from "./connection.ts";
import type { Options } from "./options.ts";
import { send, type Created, type Sending } from "./send.ts";
import { randomId, session, userQuery } from "./session.ts";

/** Files on their way at a time: enough to fill a connection, and other requests get through. */
const AT_A_TIME = 3;
/** Files in the queue: more than a person looks through. */
export const QUEUE_MAX = 1_000;
/** Tries of one file that the server asked to repeat later. */
const LATER_MAX = 20;
/** Tries of one file whose connection was lost. Each begins when the server answers, so that more
 * of them mean something that cuts this file off, such as the limit of a proxy. */
const CUT_MAX = 5;
/** The wait where the server names none. */
const LATER_MS = 5_000;

export interface Item {
  id: string;
  name: string;
  size: number;
  state: "waiting" | "sending" | "later" | "sent" | "failed";
  sent: number;
  error: Error | null;
  created: Created | null;
}

interface Work {
  sending: Sending;
  stop: AbortController;
  later: number;
  cut: number;
}

export const queue = new Cell<Item[]>([]);

const works = new Map<string, Work>();
/** Told when a file has become a document. */
export const onSent: { tell: () => void } = { tell: () => {} };

/** Puts files into the queue; returns how many found no room. */
export function enqueue(files: { file: File; name: string }[], options: Options): number {
  // A new batch is counted from its beginning.
  if (!unsent()) queue.set(queue.value.filter((item) => item.state === "failed"));
  const room = Math.max(0, QUEUE_MAX - queue.value.length);
  const taken = files.slice(0, room).map(({ file, name }): Item => {
    const id = randomId();
    const stop = new AbortController();
    const sending: Sending = { file, user: userQuery(), options, key: id, progress: (sent) => change(id, { sent }), signal: stop.signal };
    works.set(id, { sending, stop, later: 0, cut: 0 });
    return { id, name, size: file.size, state: "waiting", sent: 0, error: null, created: null };
  });
  queue.set([...queue.value, ...taken]);
  fill();
  return files.length - taken.length;
}

/** Takes a file out of the queue; one on its way is given up. */
export function remove(id: string): void {
  works.get(id)?.stop.abort();
  works.delete(id);
  queue.set(queue.value.filter((item) => item.id !== id));
  fill();
}

/** Takes out what is settled. */
export function clearSettled(): void {
  for (const item of queue.value) if (item.state === "sent" || item.state === "failed") works.delete(item.id);
  queue.set(queue.value.filter((item) => item.state !== "sent" && item.state !== "failed"));
}

export function tryAgain(id: string): void {
  const work = works.get(id);
  if (!work) return;
  work.later = 0;
  work.cut = 0;
  change(id, { state: "waiting", error: null, sent: 0 });
  fill();
}

function change(id: string, what: Partial<Item>): void {
  queue.set(queue.value.map((item) => (item.id === id ? { ...item, ...what } : item)));
}

function fill(): void {
  if (outage.value || session.value.state !== "in") return;
  let free = AT_A_TIME - queue.value.filter((item) => item.state === "sending").length;
  for (const item of queue.value) {
    if (free <= 0) break;
    if (item.state !== "waiting") continue;
    free -= 1;
    void begin(item.id);
  }
}

async function begin(id: string): Promise<void> {
  const work = works.get(id);
  if (!work) return;
  change(id, { state: "sending", sent: 0 });
  try {
    const created = await send(work.sending);
    works.delete(id);
    change(id, { state: "sent", created, sent: work.sending.file.size });
    onSent.tell();
  } catch (error) {
    if (!works.has(id)) return;
    failed(id, work, error as Error);
  }
  fill();
}

function failed(id: string, work: Work, error: Error): void {
  if (error instanceof Unreachable && (work.cut += 1) <= CUT_MAX) {
    // Goes on when the server answers again.
    change(id, { state: "waiting", error, sent: 0 });
    return;
  }
  if (error instanceof Refused && error.status === 401) {
    // Goes on when the same person is signed in again.
    change(id, { state: "waiting", sent: 0 });
    return;
  }
  const busy = error instanceof Refused && (error.status === 429 || error.status === 503);
  if (busy && work.later < LATER_MAX) {
    work.later += 1;
    change(id, { state: "later", error, sent: 0 });
    setTimeout(() => {
      if (!works.has(id)) return;
      change(id, { state: "waiting" });
      fill();
    }, error.retryAfter ?? LATER_MS);
    return;
  }
  change(id, { state: "failed", error });
}

/** What one person chose is neither shown to the next nor sent for them. */
function forget(): void {
  for (const work of works.values()) work.stop.abort();
  works.clear();
  queue.set([]);
}

let owner: string | null = null;
session.watch(() => {
  const now = session.value;
  if (now.state === "in") {
    const { authentication, name, userId } = now.me;
    const next = authentication === "off" ? "" : `${name} ${userId}`;
    if (owner !== null && next !== owner) forget();
    owner = next;
    fill();
  } else if (now.state === "out" && now.reason === null) {
    forget();
  }
});

connection.onRetry(() => fill());
outage.watch(() => fill());

/** Whether leaving the page would lose files. */
export function unsent(): boolean {
  return queue.value.some((item) => item.state === "waiting" || item.state === "sending" || item.state === "later");
}

if (typeof addEventListener === "function") {
  addEventListener("beforeunload", (event) => {
    if (unsent()) event.preventDefault();
  });
}
