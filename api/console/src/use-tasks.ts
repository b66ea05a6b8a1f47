// The list of documents on the screen, kept true while it is looked at.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { announce } from "./announce.ts";
import { useCell } from "./cell.ts";
import { call, Unreachable } from "./client.ts";
import { connection } from "./connection.ts";
import { count } from "./format.ts";
import { listen, mode, type Update } from "./live.ts";
import { userQuery } from "./session.ts";
import { applyUpdate, filterQuery, mergeHead, mergeTail, type Filters, type Task } from "./tasks.ts";
import { onSent } from "./uploads.ts";
import { hasEnded, taskWord } from "./words.ts";

const PAGE = 50;
/** One answer has at most these. */
const ANSWER_MAX = 200;
/** How often the list is fetched while things happen, and without a socket. */
const REFRESH_MS = 1_500;
const POLL_MS = 3_000;

interface Answer {
  tasks: Task[];
  pagination: { total: number; totalIsLowerBound?: boolean; next?: string | null };
  counts?: Record<string, number>;
}

export interface Tasks {
  tasks: Task[] | null;
  total: number;
  totalIsLowerBound: boolean;
  counts: Record<string, number> | null;
  error: Error | null;
  more: (() => void) | null;
  busy: boolean;
  reload: () => void;
}

/** What is known of one list. Another filter begins another. */
interface Own {
  key: string;
  tasks: Task[] | null;
  next: string | null;
  running: boolean;
  again: boolean;
  /** What happened while the list was fetched: the answer may not know it yet. */
  meanwhile: Update[];
}

/** Updates that are kept while the list is fetched; it is fetched again afterwards anyway. */
const MEANWHILE_MAX = 500;

function fresh(key: string): Own {
  return { key, tasks: null, next: null, running: false, again: false, meanwhile: [] };
}

export function useTasks(filters: Filters): Tasks {
  const key = JSON.stringify(filters);
  const [tasks, setTasks] = useState<Task[] | null>(null);
  const [about, setAbout] = useState<Omit<Answer, "tasks"> | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const [busy, setBusy] = useState(false);
  const way = useCell(mode);
  const state = useRef(fresh(key));
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);

  const put = useCallback((list: Task[]) => {
    state.current.tasks = list;
    setTasks(list);
  }, []);

  const fetchPart = useCallback((after: string, limit: number) =>
    call<Answer>("api/tasks", {
      query: { ...userQuery(), ...filterQuery(JSON.parse(key) as Filters), after, limit, counts: after === "" ? true : null },
    }), [key]);

  /** Fetches what is shown anew. One request at a time; a wish in between is one more. */
  const refresh = useCallback(async () => {
    const own = state.current;
    if (own.running) {
      own.again = true;
      return;
    }
    own.running = true;
    own.meanwhile = [];
    const shown = own.tasks?.length ?? 0;
    try {
      const limit = Math.min(ANSWER_MAX, Math.max(PAGE, shown));
      const answer = await head(fetchPart, limit);
      if (own !== state.current) return;
      const newest = own.meanwhile.reduce(applyUpdate, answer.tasks);
      tellEnds(own.tasks, newest);
      const complete = !answer.pagination.next;
      const reached = shown > newest.length && !complete;
      put(mergeHead(reached ? own.tasks! : [], newest, complete));
      if (!reached) own.next = answer.pagination.next ?? null;
      setAbout(answer);
      setError(null);
    } catch (failure) {
      if (!(failure instanceof Unreachable)) setError(failure as Error);
    } finally {
      own.running = false;
      if (own.again && own === state.current) {
        own.again = false;
        void refresh();
      }
    }
  }, [fetchPart, key, put]);

  /** Fetches soon, however much happens until then. */
  const soon = useCallback((wait = REFRESH_MS) => {
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      void refresh();
    }, wait);
  }, [refresh]);

  useEffect(() => {
    state.current = fresh(key);
    setTasks(null);
    setAbout(null);
    void refresh();
    const stopRetry = connection.onRetry(() => void refresh());
    onSent.tell = () => soon(0);
    return () => {
      stopRetry();
      onSent.tell = () => {};
      clearTimeout(timer.current);
      timer.current = undefined;
    };
  }, [key, refresh, soon]);

  useEffect(() => listen(userQuery(), {
    update: (update) => {
      const { tasks: list, running, meanwhile } = state.current;
      if (running && meanwhile.length < MEANWHILE_MAX) meanwhile.push(update);
      if (list) {
        const changed = applyUpdate(list, update);
        tellEnds(list, changed);
        put(changed);
      }
      soon();
    },
    erased: (taskId) => {
      const list = state.current.tasks;
      if (list) put(list.filter((task) => task.taskId !== taskId));
      soon();
    },
    missed: () => soon(0),
  }), [soon, put]);

  useEffect(() => {
    if (way !== "polling") return;
    const poll = setInterval(() => {
      if (document.visibilityState === "visible") void refresh();
    }, POLL_MS);
    return () => clearInterval(poll);
  }, [way, refresh]);

  const more = async () => {
    const own = state.current;
    if (!own.next || busy) return;
    setBusy(true);
    try {
      const answer = await fetchPart(own.next, PAGE);
      own.next = answer.pagination.next ?? null;
      put(mergeTail(own.tasks ?? [], answer.tasks));
    } catch (failure) {
      if (!(failure instanceof Unreachable)) setError(failure as Error);
    }
    setBusy(false);
  };

  return {
    tasks,
    total: about?.pagination.total ?? 0,
    totalIsLowerBound: about?.pagination.totalIsLowerBound ?? false,
    counts: about?.counts ?? null,
    error,
    more: state.current.next ? () => void more() : null,
    busy,
    reload: () => void refresh(),
  };
}

/** A search looks at a part of the list per answer, so a part may be empty and others follow. */
const EMPTY_MAX = 10;

async function head(fetchPart: (after: string, limit: number) => Promise<Answer>, limit: number): Promise<Answer> {
  const first = await fetchPart("", limit);
  let { tasks } = first;
  let next = first.pagination.next ?? null;
  for (let tries = 0; next && !tasks.length && tries < EMPTY_MAX; tries += 1) {
    const part = await fetchPart(next, limit);
    tasks = part.tasks;
    next = part.pagination.next ?? null;
  }
  return { ...first, tasks, pagination: { ...first.pagination, next } };
}

/** Says which documents ended since the last look, also of those that came since. */
function tellEnds(before: Task[] | null, now: Task[]): void {
  if (!before) return;
  const was = new Map(before.map((task) => [task.taskId, task.status]));
  const newest = before.reduce((newest, { createdAt }) => (createdAt && createdAt > newest ? createdAt : newest), "");
  for (const task of now) {
    const status = was.get(task.taskId);
    const ran = status === undefined ? (task.createdAt ?? "") > newest : !hasEnded(status);
    if (!ran || !hasEnded(task.status)) continue;
    const pages = task.pagesTotal ? `, ${count(task.pagesTotal, "page")}` : "";
    announce(`${task.filename}: ${taskWord(task.status)}${pages}.`);
  }
}
