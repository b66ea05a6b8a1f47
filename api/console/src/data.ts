// Answers of the API in components: fetched, kept while they are fetched again.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { Cell } from "./cell.ts";
import { connection } from "./connection.ts";
import { Unreachable } from "./client.ts";

/** Whether lists are fetched again by themselves. Off until the page is loaded anew. */
export const refreshing = new Cell(true);

export interface Data<T> {
  /** The last answer. It stays while a newer one is fetched. */
  value: T | null;
  /** Why the last request failed. An unreachable server is said by the shell instead. */
  error: Error | null;
  loading: boolean;
  /** When the last answer came. */
  at: number | null;
  reload: () => void;
}

/**
 * What `load` answers. It is asked again when `key` changes, when the server answers again
 * after it did not, and every `every` milliseconds while the page is visible.
 */
export function useData<T>(key: string, load: (signal: AbortSignal) => Promise<T>, every?: number): Data<T> {
  const [state, setState] = useState<{ key: string; value: T | null; error: Error | null; at: number | null }>({
    key, value: null, error: null, at: null,
  });
  const [loading, setLoading] = useState(true);
  const latest = useRef(load);
  latest.current = load;
  const running = useRef<AbortController | null>(null);

  const reload = useCallback(() => {
    running.current?.abort();
    const mine = new AbortController();
    running.current = mine;
    setLoading(true);
    latest.current(mine.signal).then(
      (value) => {
        if (mine.signal.aborted) return;
        running.current = null;
        setState({ key, value, error: null, at: Date.now() });
        setLoading(false);
      },
      (error: Error) => {
        if (mine.signal.aborted) return;
        running.current = null;
        setState((before) => ({
          ...(before.key === key ? before : { key, value: null, at: null }),
          error: error instanceof Unreachable ? null : error,
        }));
        setLoading(false);
      },
    );
  }, [key]);

  useEffect(() => {
    reload();
    const stop = connection.onRetry(reload);
    return () => {
      stop();
      running.current?.abort();
    };
  }, [reload]);

  useEffect(() => {
    if (!every) return;
    const timer = setInterval(() => {
      // An answer that takes longer than this is waited for.
      if (document.visibilityState === "visible" && refreshing.value && !running.current) reload();
    }, every);
    const seen = () => {
      if (document.visibilityState === "visible" && refreshing.value) reload();
    };
    document.addEventListener("visibilitychange", seen);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", seen);
    };
  }, [reload, every]);

  const mine = state.key === key;
  return { value: mine ? state.value : null, error: mine ? state.error : null, loading, at: state.at, reload };
}
