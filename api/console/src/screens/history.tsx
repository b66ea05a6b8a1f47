// What happened to a document: every attempt with its whole error, the latest first.
import { useEffect, useState } from "preact/hooks";
import { call, Refused, type Schemas } from "../client.ts";
import { Fresh } from "../components/fresh.tsx";
import { Loaded } from "../components/loaded.tsx";
import { Screen } from "../components/screen.tsx";
import { State } from "../components/state.tsx";
import { Ago, Until } from "../components/time.tsx";
import { useData } from "../data.ts";
import { count, duration, number } from "../format.ts";
import { latestError, timeline, type Attempt, type HistoryEvent } from "../history.ts";
import { refine, to } from "../router.ts";
import { hasEnded } from "../words.ts";

/** Events in one answer, and events that are read for one screen. */
const PART = 1_000;
const EVENTS_MAX = 20_000;
/** Attempts that are shown at first, and more at a time. */
const SHOWN = 200;

interface Read {
  task: Schemas["TaskDetails"];
  events: HistoryEvent[];
  cut: boolean;
}

export function History({ id, query }: { id: string; query: Record<string, string> }) {
  const [ended, setEnded] = useState(false);
  const [known] = useState<{ events: HistoryEvent[] }>({ events: [] });
  const data = useData<Read>(`history/${id}`, async (signal) => {
    const task = await call<Schemas["TaskDetails"]>(`api/tasks/${id}`, { signal });
    // Events stay as they are: only new ones are fetched.
    const events = [...known.events];
    while (events.length < EVENTS_MAX) {
      const afterSeq = events.at(-1)?.seq ?? 0;
      const part = await call<Schemas["History"]>(`api/tasks/${id}/history`, { query: { limit: PART, afterSeq }, signal });
      events.push(...part.history);
      if (part.history.length < PART) break;
    }
    known.events = events;
    return { task, events, cut: events.length >= EVENTS_MAX };
  }, ended ? undefined : 3_000);
  const { value } = data;
  useEffect(() => setEnded(value !== null && hasEnded(value.task.status)), [value]);
  const pruned = data.error instanceof Refused && data.error.code === "HISTORY_PRUNED";
  return (
    <Screen title={value ? `History of ${value.task.filename}` : "History"} name="History" side={<Fresh data={data} />} kind="history">
      <p class="doc-line"><a href={to("documents")}>Documents</a> <a href={to(["documents", id])}>The document</a></p>
      {pruned
        ? <p class="notice">The history of this document is no longer kept.</p>
        : <Loaded data={data}>{(read) => <Story read={read} onlyFailed={query.only === "failed"} />}</Loaded>}
    </Screen>
  );
}

function Story({ read, onlyFailed }: { read: Read; onlyFailed: boolean }) {
  const [shown, setShown] = useState(SHOWN);
  const { attempts, turns } = timeline(read.events);
  const failed = attempts.filter((one) => one.end === "failed" || one.end === "lost");
  const list = onlyFailed ? failed : attempts;
  const worst = latestError(attempts);
  const begin = read.events[0] ? Date.parse(read.events[0].at) : 0;
  const end = read.events.length ? Date.parse(read.events.at(-1)!.at) : begin;
  return (
    <>
      {read.cut && <p class="notice">Only the first {number(EVENTS_MAX)} events are shown here. All are in <code>untxt tasks show</code>.</p>}
      {worst?.error && (
        <section class="card worst">
          <h2>The latest error</h2>
          <p><code>{worst.error.code}</code> at {where(worst, read)}, attempt {worst.attempt}, <Ago at={worst.endedAt ?? worst.startedAt} /></p>
          <pre class="whole">{worst.error.message}</pre>
        </section>
      )}
      <section>
        <h2 class="section-head">The task</h2>
        <ol class="turns">{turns.map((turn) => <li key={turn.key}><Ago at={turn.at} /> <span dir="auto">{turn.words}</span></li>)}</ol>
      </section>
      <section>
        <div class="section-head">
          <h2>{count(list.length, onlyFailed ? "failed attempt" : "attempt")}, the latest first</h2>
          {(failed.length > 0 || onlyFailed) && (
            <label class="check"><input type="checkbox" checked={onlyFailed} onChange={(event) => refine({ only: event.currentTarget.checked ? "failed" : "" })} /> Only those that failed</label>
          )}
        </div>
        <ol class="attempt-list">
          {list.slice(0, shown).map((one) => <Row key={one.key} attempt={one} read={read} begin={begin} span={Math.max(1, end - begin)} />)}
        </ol>
        {list.length > shown && <p class="list-foot"><button type="button" onClick={() => setShown(shown + SHOWN)}>Show {number(Math.min(SHOWN, list.length - shown))} older</button></p>}
      </section>
    </>
  );
}

function where(attempt: Attempt, read: Read): string {
  if (attempt.item === null) return attempt.step;
  // With chosen pages, an item is a place among them and not a page's number.
  return read.task.pages ? `${attempt.step}, item ${attempt.item + 1}` : `${attempt.step}, page ${attempt.item + 1}`;
}

const ENDS: Record<Attempt["end"], [string, string]> = {
  running: ["processing", "At work"],
  succeeded: ["completed", "Done"],
  failed: ["failed", "Failed"],
  lost: ["failed", "Lost with its worker"],
  handed_back: ["cancelled", "Handed back"],
};

interface RowProps {
  attempt: Attempt;
  read: Read;
  begin: number;
  span: number;
}

function Row({ attempt, read, begin, span }: RowProps) {
  const [status, word] = ENDS[attempt.end];
  const from = Date.parse(attempt.startedAt);
  const until = attempt.endedAt ? Date.parse(attempt.endedAt) : begin + span;
  return (
    <li class="attempt">
      <span class="attempt-where">{where(attempt, read)}{attempt.attempt > 1 && <span class="soft">, attempt {attempt.attempt}</span>}</span>
      <State status={status} word={word} />
      <span class="num soft">{duration(until - from)}</span>
      <svg class={`span ${attempt.end}`} viewBox="0 0 1000 8" preserveAspectRatio="none" aria-hidden="true">
        <rect class="all" width="1000" height="8" />
        <rect class="part" x={Math.min(994, ((from - begin) / span) * 1000)} width={Math.max(6, ((until - from) / span) * 1000)} height="8" />
      </svg>
      <span class="attempt-who soft small"><Ago at={attempt.startedAt} /> by <code>{attempt.worker}</code></span>
      {attempt.error && <pre class="whole"><code>{attempt.error.code}</code> {attempt.error.message}</pre>}
      {attempt.retryAt && attempt.dead === false && <span class="small soft attempt-next">next attempt <Until at={attempt.retryAt} /></span>}
      {attempt.dead && <span class="small attempt-next">there is no other attempt</span>}
    </li>
  );
}
