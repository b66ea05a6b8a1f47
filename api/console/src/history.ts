// A task's history as attempts: who did what, from when to when, and how it ended.
import type { Schemas } from "./client.ts";

export type HistoryEvent = Schemas["History"]["history"][number];

export interface Attempt {
  key: string;
  step: string;
  item: number | null;
  attempt: number;
  worker: string;
  startedAt: string;
  endedAt: string | null;
  end: "running" | "succeeded" | "failed" | "lost" | "handed_back";
  error: StepError | null;
  /** When the next attempt is due, where one follows. */
  retryAt: string | null;
  /** Whether there is no other attempt. */
  dead: boolean;
}

export interface StepError {
  code: string;
  message: string;
  [more: string]: unknown;
}

/** What happened to the task as a whole. */
export interface Turn {
  key: string;
  at: string;
  words: string;
}

export interface Timeline {
  attempts: Attempt[];
  turns: Turn[];
}

interface EventData {
  step?: number;
  item?: number;
  attempt?: number;
  worker?: string;
  error?: StepError;
  due_at?: number | string;
  items?: unknown;
  by?: string;
  reason?: unknown;
  code?: string;
  message?: string;
  failed_items?: number;
}

/** Puts the events of a history together, newest first. */
export function timeline(events: HistoryEvent[]): Timeline {
  const attempts = new Map<string, Attempt>();
  const turns: Turn[] = [];
  const latest = new Map<string, Attempt>();
  for (const event of events) {
    const data = (event.data ?? {}) as EventData;
    const slot = `${data.step ?? ""}.${data.item ?? ""}`;
    const key = `${slot}.${data.attempt ?? ""}`;
    const found = attempts.get(key);
    switch (event.event) {
      case "started": {
        const begun: Attempt = {
          key: `${key}.${event.seq}`, step: event.step ?? String(data.step), item: data.item ?? null, attempt: data.attempt ?? 0,
          worker: data.worker ?? "", startedAt: event.at, endedAt: null, end: "running", error: null, retryAt: null, dead: false,
        };
        attempts.set(key, begun);
        latest.set(slot, begun);
        break;
      }
      case "succeeded":
      case "failed":
      case "lost":
      case "handed_back":
        if (found) {
          found.end = event.event;
          found.endedAt = event.at;
          found.error = data.error ?? null;
        }
        break;
      case "retry_scheduled": {
        const last = latest.get(slot);
        if (last) last.retryAt = time(data.due_at);
        break;
      }
      case "dead_lettered": {
        const last = latest.get(slot);
        if (last) {
          last.dead = true;
          last.error ??= data.error ?? null;
        }
        break;
      }
      default: {
        const words = turnWords(event, data);
        if (words) turns.push({ key: String(event.seq), at: event.at, words });
      }
    }
  }
  return { attempts: [...attempts.values()].reverse(), turns: turns.reverse() };
}

function time(at: number | string | undefined): string | null {
  return at === undefined ? null : new Date(at).toISOString();
}

function turnWords(event: HistoryEvent, data: EventData): string | null {
  switch (event.event) {
    case "submitted": return "Accepted";
    case "opened": return typeof data.items === "number" ? `Step ${event.step} can begin, with ${data.items} pages` : null;
    case "redriven": return `Redriven by ${data.by ?? "somebody"}${data.reason ? `: ${String(data.reason)}` : ""}`;
    case "cancelled": return "Cancelled";
    case "completed": return "Done";
    case "completed_partially": return `Done without ${data.failed_items ?? "some"} pages`;
    case "run_failed": return `Failed: ${data.code ?? ""} ${data.message ?? ""}`.trim();
    default: return null;
  }
}

/** The error of the latest attempt that failed, of those that nothing better followed. */
export function latestError(attempts: Attempt[]): Attempt | null {
  const settled = new Set<string>();
  for (const attempt of attempts) {
    const slot = `${attempt.step}.${attempt.item}`;
    if (settled.has(slot)) continue;
    settled.add(slot);
    if (attempt.error) return attempt;
  }
  return null;
}
