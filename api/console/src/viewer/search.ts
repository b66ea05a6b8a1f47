// Search in a document.
import { useEffect, useRef, useState } from "preact/hooks";
import { call } from "../client.ts";
import type { Match } from "./words.ts";

interface Answer {
  matches: Match[];
  pagesSearched: number;
  next: string | null;
  more: boolean;
}

/** Matches that are fetched by themselves; further ones on demand. */
const FIRST_MAX = 200;
/** Answers without a match that are passed over at once. */
const EMPTY_MAX = 20;

export interface Search {
  q: string;
  matches: Match[];
  /** Whether further pages have not been searched. */
  more: (() => void) | null;
  busy: boolean;
  error: Error | null;
}

export function useSearch(id: string, q: string): Search {
  const [found, setFound] = useState<{ q: string; matches: Match[]; next: string | null }>({ q: "", matches: [], next: null });
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const running = useRef(new AbortController());

  const fetchMore = async (before: Match[], after: string | null, signal: AbortSignal) => {
    setBusy(true);
    try {
      let matches = before;
      let next = after;
      const enough = before.length + FIRST_MAX;
      for (let tries = 0; tries < EMPTY_MAX; tries += 1) {
        const answer = await call<Answer>(`api/tasks/${id}/search`, { query: { q, after: next }, signal });
        matches = [...matches, ...answer.matches];
        next = answer.more ? answer.next : null;
        if (!next || matches.length >= enough) break;
      }
      if (signal.aborted) return;
      setFound({ q, matches, next });
      setError(null);
    } catch (failure) {
      if (!signal.aborted) {
        setFound({ q, matches: before, next: null });
        setError(failure as Error);
      }
    }
    if (!signal.aborted) setBusy(false);
  };

  useEffect(() => {
    setError(null);
    if (!q) {
      setFound({ q: "", matches: [], next: null });
      setBusy(false);
      return;
    }
    const stop = new AbortController();
    running.current = stop;
    void fetchMore([], null, stop.signal);
    return () => stop.abort();
  }, [id, q]);

  const mine = found.q === q;
  return {
    q,
    matches: mine ? found.matches : [],
    more: mine && found.next && !busy ? () => void fetchMore(found.matches, found.next, running.current.signal) : null,
    busy,
    error,
  };
}
