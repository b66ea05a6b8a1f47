// The one polite live region: what ended, for those who do not see it.
import { Cell } from "./cell.ts";

/** At most one sentence in this time, so that nobody is talked over. */
const PAUSE_MS = 10_000;
/** Sentences that wait; a burst is summed up. */
const WAITING_MAX = 3;

export const sentence = new Cell("");

let waiting: string[] = [];
let dropped = 0;
let timer: ReturnType<typeof setTimeout> | undefined;

export function announce(text: string): void {
  if (waiting.length >= WAITING_MAX) dropped += 1;
  else waiting.push(text);
  if (!timer) say();
}

function say(): void {
  if (!waiting.length) {
    timer = undefined;
    return;
  }
  const more = dropped ? ` And ${dropped} more.` : "";
  sentence.set(waiting.join(" ") + more);
  waiting = [];
  dropped = 0;
  timer = setTimeout(say, PAUSE_MS);
}
