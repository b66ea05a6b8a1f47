// Which dead letters are shown, as an address, a filter of the API, words, and a command.
import { exact } from "./format.ts";
import type { Query } from "./router.ts";

/** What a list of dead letters may be narrowed by. */
export const LETTER_FILTERS = ["state", "code", "workflow", "step", "fingerprint", "digest", "reason", "tenant", "run", "from", "until", "bulk"] as const;

export type LetterFilter = (typeof LETTER_FILTERS)[number];
export type LetterFilters = Partial<Record<LetterFilter, string>>;

/** The filters of an address. Waiting letters are what one comes for. */
export function letterFilters(query: Record<string, string>): LetterFilters {
  const found: LetterFilters = { state: "waiting" };
  for (const name of LETTER_FILTERS) {
    const value = query[name];
    if (value) found[name] = value;
  }
  if (query.state === "all") delete found.state;
  return found;
}

/** Those that the API is to be asked for. */
export function letterQuery(filters: LetterFilters): Query {
  return { ...filters };
}

const WORDS: Record<LetterFilter, (value: string) => string> = {
  state: (value) => STATES[value] ?? value,
  code: (value) => `with the code ${value}`,
  workflow: (value) => `of the workflow ${value}`,
  step: (value) => `at the step ${value}`,
  fingerprint: (value) => `with the fingerprint ${value}`,
  digest: (value) => `of the engine ${value.slice(0, 12)}`,
  reason: (value) => `given up because of ${value.replaceAll("_", " ")}`,
  tenant: (value) => `of the tenant ${value}`,
  run: (value) => `of the task ${value}`,
  from: (value) => `since ${when(value)}`,
  until: (value) => `until ${when(value)}`,
  bulk: (value) => `settled by the redrive ${value}`,
};

/** A time as a person reads it; the API takes texts and gives milliseconds. */
function when(value: string | number): string {
  const at = new Date(/^\d+$/.test(String(value)) ? Number(value) : value);
  return Number.isNaN(at.getTime()) ? String(value) : exact(at.getTime());
}

const STATES: Record<string, string> = { waiting: "that wait", redriven: "that were redriven", discarded: "that were discarded" };

/** The filters as the end of a sentence that begins with `Dead letters`. */
export function filterWords(filters: LetterFilters): string {
  const parts = LETTER_FILTERS.flatMap((name) => {
    const value = filters[name];
    return value ? [WORDS[name](value)] : [];
  });
  return parts.length ? parts.join(", ") : "in any state";
}

export function filterWord(name: LetterFilter, value: string): string {
  return WORDS[name](value);
}

/** How bulk acts name them: only letters that wait can be settled. */
export function bulkFilter(filters: LetterFilters): Record<string, string> {
  const { state: _, bulk: __, ...rest } = filters;
  return rest;
}

/** The same act as a command line. */
export function commandLine(act: "redrive" | "discard", filters: LetterFilters, how: { rate?: number | null; engine?: string; fromStep?: string; onlyFailedPages?: boolean; reason?: string }): string {
  const words = ["untxt", "dead-letters", act];
  const named = Object.entries(bulkFilter(filters));
  for (const [name, value] of named) words.push("--filter", quoted(`${name}=${value}`));
  if (!named.length) words.push("--all");
  if (how.engine) words.push("--engine", quoted(how.engine));
  if (how.fromStep) words.push("--from-step", quoted(how.fromStep));
  if (how.onlyFailedPages) words.push("--only-failed-pages");
  if (how.rate) words.push("--rate", `${how.rate}/s`);
  if (how.reason) words.push("--reason", quoted(how.reason));
  return words.join(" ");
}

function quoted(value: string): string {
  return /^[\w.:@/=-]+$/.test(value) ? value : `'${value.replaceAll("'", `'\\''`)}'`;
}

export function hasFilters(filters: LetterFilters): boolean {
  return Object.keys(bulkFilter(filters)).length > 0;
}
