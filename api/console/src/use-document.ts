// One document and the states of its pages, kept true while they are looked at.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { announce } from "./announce.ts";
import { useCell } from "./cell.ts";
import { call, Unreachable, type Schemas } from "./client.ts";
import { connection } from "./connection.ts";
import { listen, mode } from "./live.ts";
import { hasEnded, taskWord } from "./words.ts";

export type Details = Schemas["TaskDetails"];

export interface PageState {
  page: number;
  status: string;
  attempt: number;
  source: string | null;
  confidence: number | null;
  confidenceKind: string | null;
  width: number | null;
  height: number | null;
  error: { code: string; message: string } | null;
}

interface Pages {
  pages: PageState[];
  pagesTotal: number | null;
  next: number | null;
}

/** Pages in one answer. */
const PAGES_LIMIT = 1_000;
const REFRESH_MS = 1_000;
const POLL_MS = 3_000;

export interface Document {
  task: Details | null;
  pages: PageState[];
  error: Error | null;
  erased: boolean;
  reload: () => void;
}

export function useDocument(id: string): Document {
  const [task, setTask] = useState<Details | null>(null);
  const [pages, setPages] = useState<PageState[]>([]);
  const [error, setError] = useState<Error | null>(null);
  const [erased, setErased] = useState(false);
  const way = useCell(mode);
  const own = useRef({ running: false, again: false, status: "", ended: false });
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);

  const refresh = useCallback(async () => {
    const state = own.current;
    if (state.running) {
      state.again = true;
      return;
    }
    state.running = true;
    try {
      const found = await call<Details>(`api/tasks/${id}`);
      const known = await allPages(id);
      if (state.ended) return;
      if (state.status && !hasEnded(state.status) && hasEnded(found.status)) announce(`${found.filename}: ${taskWord(found.status)}.`);
      state.status = found.status;
      setTask(found);
      setPages((before) => keepSame(before, known));
      setError(null);
    } catch (failure) {
      if (!(failure instanceof Unreachable) && !state.ended) setError(failure as Error);
    } finally {
      state.running = false;
      if (state.again && !state.ended) {
        state.again = false;
        void refresh();
      }
    }
  }, [id]);

  const soon = useCallback((wait = REFRESH_MS) => {
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      void refresh();
    }, wait);
  }, [refresh]);

  useEffect(() => {
    void refresh();
    const stopRetry = connection.onRetry(() => void refresh());
    return () => {
      own.current.ended = true;
      stopRetry();
      clearTimeout(timer.current);
    };
  }, [id, refresh]);

  // Operators look at documents of others, and hear of them as their owners do.
  const owner = task?.userId;
  useEffect(() => {
    if (!owner) return;
    return listen({ userId: owner }, {
      update: (update) => {
        if (update.taskId === id) soon();
      },
      erased: (taskId) => {
        if (taskId === id) setErased(true);
      },
      missed: () => soon(0),
    });
  }, [id, owner, soon]);

  const running = task !== null && !hasEnded(task.status);
  useEffect(() => {
    if (way !== "polling" || !running) return;
    const poll = setInterval(() => {
      if (document.visibilityState === "visible") void refresh();
    }, POLL_MS);
    return () => clearInterval(poll);
  }, [way, running, refresh]);

  return { task, pages, error, erased, reload: () => void refresh() };
}

async function allPages(id: string): Promise<PageState[]> {
  const all: PageState[] = [];
  for (let after = 0; ;) {
    const part = await call<Pages>(`api/tasks/${id}/pages`, { query: { after, limit: PAGES_LIMIT } });
    all.push(...part.pages);
    if (part.next === null || !part.pages.length) return all;
    after = part.next;
  }
}

/** The new states, with the old object of each page that did not change: its row stays as it is. */
function keepSame(before: PageState[], now: PageState[]): PageState[] {
  const old = new Map(before.map((page) => [page.page, page]));
  return now.map((page) => {
    const same = old.get(page.page);
    return same && JSON.stringify(same) === JSON.stringify(page) ? same : page;
  });
}
