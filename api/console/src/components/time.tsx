// A time as people say it, the exact one on pointing.
import { useEffect, useState } from "preact/hooks";
import { ago, exact, until } from "../format.ts";

/** How often times that are said relative to now are said anew. */
const TICK_MS = 10_000;

export function useNow(every = TICK_MS): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), every);
    return () => clearInterval(timer);
  }, [every]);
  return now;
}

export function Ago({ at }: { at: string }) {
  const now = useNow();
  return <time dateTime={at} title={exact(at)}>{ago(at, now)}</time>;
}

export function Until({ at }: { at: string }) {
  const now = useNow(1000);
  return <time dateTime={at} title={exact(at)}>{until(at, now)}</time>;
}
