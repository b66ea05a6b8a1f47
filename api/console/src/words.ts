// States in words.
import { count } from "./format.ts";

export type TaskStatus = "queued" | "processing" | "retrying" | "completed" | "partial" | "failed" | "cancelled";

/** Every status of a task, in the order of its life. */
export const STATUSES: TaskStatus[] = ["queued", "processing", "retrying", "completed", "partial", "failed", "cancelled"];

const TASK: Record<TaskStatus, string> = {
  queued: "Waiting",
  processing: "In progress",
  retrying: "Trying again",
  completed: "Done",
  partial: "Done in part",
  failed: "Failed",
  cancelled: "Cancelled",
};

/** How a state looks: always with a word beside it. */
export type Tone = "wait" | "run" | "good" | "warn" | "bad" | "off";

const TONE: Record<string, Tone> = {
  queued: "wait", pending: "wait", processing: "run", retrying: "warn", completed: "good", partial: "warn",
  failed: "bad", cancelled: "off", alive: "good", silent: "warn", gone: "bad", draining: "wait",
  waiting: "bad", redriven: "good", discarded: "off", active: "good", revoked: "off", expired: "off",
};

export function taskWord(status: string): string {
  return TASK[status as TaskStatus] ?? status;
}

const PAGE: Record<string, string> = { ...TASK, pending: "Waiting" };

export function pageWord(status: string): string {
  return PAGE[status] ?? status;
}

export function tone(status: string): Tone {
  return TONE[status] ?? "off";
}

export function hasEnded(status: string): boolean {
  return status === "completed" || status === "partial" || status === "failed" || status === "cancelled";
}

const FORMATS: Record<string, string> = {
  html: "Web page (HTML)",
  txt: "Plain text",
  md: "Markdown",
  json: "JSON",
  hocr: "hOCR",
  alto: "ALTO XML",
  page: "PAGE XML",
  tsv: "Table of words (TSV)",
  pdf: "Searchable PDF",
  pdfa: "Searchable PDF/A",
};

/** Every format of a result, in the order in which they are offered. */
export const ALL_FORMATS = Object.keys(FORMATS);

export function formatWord(format: string): string {
  return FORMATS[format] ?? format;
}

/** `3 of 12 pages`, with those that failed apart. */
export function pagesSentence(done: number, total: number | null, failed = 0): string {
  if (total === null) return "";
  const pages = done === total ? count(total, "page") : `${done} of ${count(total, "page")}`;
  return failed ? `${pages}, ${failed} failed` : pages;
}

/** What a person may do about an error of the API. Codes that say it all are not here. */
const ADVICE: Record<string, string> = {
  RATE_LIMITED: "Wait a little, then try again.",
  QUOTA_EXCEEDED: "Wait until earlier documents are done, or erase some.",
  FILE_TOO_LARGE: "Split the document, or ask the operator for a higher limit.",
  DOCUMENT_UNSUPPORTED_TYPE: "Use PDF, PNG, JPEG, WebP, TIFF, HEIC or AVIF.",
  DOCUMENT_ENCRYPTED: "Remove the password, then upload it again.",
  DOCUMENT_BROKEN: "Open it in another program, save it anew and upload that.",
  SCOPE_MISSING: "Sign in with a key that has this scope.",
  UNAUTHENTICATED: "Sign in again.",
  SERVICE_UNAVAILABLE: "Try again in a moment.",
};

export function advice(code: string): string | null {
  return ADVICE[code] ?? null;
}
