// Whether the server answers, and when it is asked again.
import { Cell } from "./cell.ts";

/** The longest wait between two tries: long enough to spare a server that starts, short
 * enough that a person who waits sees it come back. */
const LONGEST_MS = 30_000;
const FIRST_MS = 1_000;

export interface Outage {
  /** When the server first did not answer. */
  since: number;
  /** When it is asked again. */
  retryAt: number;
  tries: number;
}

export const outage = new Cell<Outage | null>(null);

const waiting = new Set<() => void>();
let timer: ReturnType<typeof setTimeout> | undefined;

/** How long to wait before try number `tries` (from 1), in milliseconds. */
export function backoff(tries: number): number {
  return Math.min(LONGEST_MS, FIRST_MS * 2 ** (tries - 1));
}

export const connection = {
  /** A request got no answer. */
  lost(): void {
    // Requests under way together are one try.
    if (timer !== undefined) return;
    const now = Date.now();
    const before = outage.value;
    const tries = (before?.tries ?? 0) + 1;
    const wait = backoff(tries);
    outage.set({ since: before?.since ?? now, retryAt: now + wait, tries });
    timer = setTimeout(connection.retry, wait);
  },
  /** A request was answered. */
  found(): void {
    if (!outage.value) return;
    outage.set(null);
    connection.retry();
  },
  /** Lets everything that waits try again. */
  retry(): void {
    clearTimeout(timer);
    timer = undefined;
    for (const again of [...waiting]) again();
  },
  /** Calls `again` when the server should be asked again. */
  onRetry(again: () => void): () => void {
    waiting.add(again);
    return () => waiting.delete(again);
  },
};
