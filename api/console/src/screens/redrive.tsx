// How far a bulk redrive is; its rate, its stop, and going on.
import { useEffect, useRef, useState } from "preact/hooks";
import { rateOfRedrive, redrive, resumeRedrive, stopRedrive, type Redrive as Found } from "../admin.ts";
import { announce } from "../announce.ts";
import { Confirm } from "../components/confirm.tsx";
import { Fresh } from "../components/fresh.tsx";
import { Loaded } from "../components/loaded.tsx";
import { Screen } from "../components/screen.tsx";
import { State } from "../components/state.tsx";
import { Ago } from "../components/time.tsx";
import { useData } from "../data.ts";
import { count, duration, number } from "../format.ts";
import { filterWords } from "../letters.ts";
import { go, to } from "../router.ts";
import { hasEnded, taskWord } from "../words.ts";
import { redriveWord } from "./redrives.tsx";

export function RedriveProgress({ id }: { id: string }) {
  const data = useData(`redrive/${id}`, (signal) => redrive(id)(signal), 1_000);
  const [act, setAct] = useState<"stop" | "rate" | "resume" | null>(null);
  const found = data.value;
  const runs = found !== null && !hasEnded(found.status);
  const was = useRef(false);
  useEffect(() => {
    if (was.current && found && !runs) announce(`${redriveWord(found)}: ${taskWord(found.status)}, ${count(found.settled, "letter")}.`);
    was.current = runs;
  }, [runs]);
  const close = () => setAct(null);
  return (
    <Screen
      title={found ? `${redriveWord(found)} of ${count(found.total, "dead letter")}` : "Redrive"}
      side={
        <div class="buttons">
          {runs && <button type="button" onClick={() => setAct("rate")}>Change the rate…</button>}
          {runs && <button type="button" class="danger" onClick={() => setAct("stop")}>Stop…</button>}
          {found && !runs && found.waiting > 0 && <button type="button" class="primary" onClick={() => setAct("resume")}>Resume with {number(found.waiting)}…</button>}
          <Fresh data={data} />
        </div>
      }
    >
      <p class="doc-line"><a href={to("redrives")}>Redrives</a></p>
      <Loaded data={data}>{(one) => <Progress redrive={one} />}</Loaded>
      {act === "stop" && (
        <Confirm title="Stop?" act="Stop" onAct={async () => { await stopRedrive(id); data.reload(); }} onClose={close}>
          <p>Letters that were settled stay so; the others wait on. It can go on later.</p>
        </Confirm>
      )}
      {act === "resume" && found && (
        <Confirm title={`Resume with ${count(found.waiting, "letter")}?`} act="Resume" onAct={async () => { const next = await resumeRedrive(id); go(to(["redrives", next.id])); }} onClose={close}>
          <p>Another one begins, about the letters that still wait, at the same rate.</p>
        </Confirm>
      )}
      {act === "rate" && found && <Rate redrive={found} onDone={data.reload} onClose={close} />}
    </Screen>
  );
}

function Progress({ redrive: one }: { redrive: Found }) {
  const left = one.rate && !hasEnded(one.status) ? (one.waiting / one.rate) * 1000 : null;
  const action = one.action === "discard" ? null : one.action.redrive;
  return (
    <>
      <div class="card big-progress">
        <p><State status={one.status} word={taskWord(one.status)} /> <strong class="num">{number(one.settled)} of {number(one.total)}</strong> settled, <span class="num">{number(one.waiting)}</span> wait{one.passedOver ? `, ${number(one.passedOver)} passed over` : ""}</p>
        <progress max={one.total || 1} value={one.settled} aria-label="Letters settled" />
        <p class="soft small">
          {one.rate ? `${number(one.rate)} a second` : "without a limit of its rate"}{left !== null && left > 0 ? `, about ${duration(left)} to go` : ""}
        </p>
        {one.error && <pre class="whole">{JSON.stringify(one.error, null, 2)}</pre>}
      </div>
      <dl class="facts-list card under">
        <div><dt>Which</dt><dd>letters {filterWords(one.filter as Record<string, string>)}</dd></div>
        {action?.engine && <div><dt>Engine</dt><dd>{action.engine}</dd></div>}
        {action?.fromStep && <div><dt>From step</dt><dd>{action.fromStep}</dd></div>}
        {action?.onlyFailedPages && <div><dt>Pages</dt><dd>only those that failed</dd></div>}
        <div><dt>By</dt><dd>{one.by}</dd></div>
        {one.reason && <div><dt>Reason</dt><dd dir="auto">{one.reason}</dd></div>}
        <div><dt>Begun</dt><dd><Ago at={one.createdAt} /></dd></div>
        {one.finishedAt && <div><dt>Ended</dt><dd><Ago at={one.finishedAt} /></dd></div>}
      </dl>
      <p class="under"><a href={to("letters", { bulk: one.id, state: "all" })}>The letters that it settled</a></p>
    </>
  );
}

function Rate({ redrive: one, onDone, onClose }: { redrive: Found; onDone: () => void; onClose: () => void }) {
  const [rate, setRate] = useState(String(one.rate ?? ""));
  return (
    <Confirm
      title="Change the rate"
      act="Change"
      onAct={async () => {
        await rateOfRedrive(one.id, rate.trim() ? Number(rate) : null);
        onDone();
      }}
      onClose={onClose}
    >
      <label class="field">
        <span>Letters per second, empty for no limit</span>
        <input type="number" min={0.1} step="any" value={rate} onInput={(event) => setRate(event.currentTarget.value)} />
      </label>
    </Confirm>
  );
}
