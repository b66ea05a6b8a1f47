// One dead letter: every attempt, the whole error, and what the task was begun with.
import { useState } from "preact/hooks";
import { discardOne, letter, plugins, redriveOne, type LetterDetails } from "../admin.ts";
import { Confirm } from "../components/confirm.tsx";
import { Loaded } from "../components/loaded.tsx";
import { Screen } from "../components/screen.tsx";
import { State } from "../components/state.tsx";
import { Ago } from "../components/time.tsx";
import { useData } from "../data.ts";
import { duration } from "../format.ts";
import { to } from "../router.ts";
import { taskWord } from "../words.ts";
import { TaskLink } from "./operators/task-link.tsx";

const STATES: Record<string, string> = { waiting: "Waiting", redriven: "Redriven", discarded: "Discarded" };

export function Letter({ id }: { id: string }) {
  const data = useData(`letter/${id}`, (signal) => letter(id)(signal), 10_000);
  const [act, setAct] = useState<"redrive" | "discard" | null>(null);
  const waits = data.value?.state === "waiting";
  return (
    <Screen
      title={data.value ? `Dead letter: ${data.value.code}` : "Dead letter"}
      side={waits && (
        <div class="buttons">
          <button type="button" class="primary" onClick={() => setAct("redrive")}>Redrive…</button>
          <button type="button" class="danger" onClick={() => setAct("discard")}>Discard…</button>
        </div>
      )}
    >
      <p class="doc-line"><a href={to("letters")}>Dead letters</a></p>
      <Loaded data={data}>{(found) => <Details letter={found} />}</Loaded>
      {act === "redrive" && <Redrive id={id} onDone={data.reload} onClose={() => setAct(null)} />}
      {act === "discard" && <Discard id={id} onDone={data.reload} onClose={() => setAct(null)} />}
    </Screen>
  );
}

function Details({ letter: found }: { letter: LetterDetails }) {
  return (
    <>
      <div class="card">
        <p class="error-text" dir="auto">{found.message}</p>
        {found.chain.length > 0 && <ol class="chain">{found.chain.map((cause, place) => <li key={place}><code>{cause}</code></li>)}</ol>}
      </div>
      <dl class="facts-list card under">
        <Fact name="State"><State status={found.state} word={STATES[found.state] ?? found.state} /></Fact>
        <Fact name="Step">{found.workflow}/{found.step}{found.page !== null && `, page ${found.page}`}</Fact>
        <Fact name="Task"><TaskLink id={found.taskId} workflow={found.workflow} />{found.taskStatus && `, ${taskWord(found.taskStatus).toLowerCase()}`}</Fact>
        <Fact name="Tenant"><code>{found.tenant}</code></Fact>
        <Fact name="When"><Ago at={found.at} /></Fact>
        <Fact name="Given up because">{reasonWords(found.reason)}</Fact>
        <Fact name="Engine">{found.digest ? <code>{found.digest}</code> : "none"}</Fact>
        <Fact name="Fingerprint"><a href={to("letters", { fingerprint: found.fingerprint })}><code>{found.fingerprint}</code></a></Fact>
        {found.settled && <Fact name="Settled"><Settled how={found.settled} /></Fact>}
      </dl>
      <section>
        <h2 class="section-head">Attempts, the latest first</h2>
        <ol class="attempts">
          {[...found.history].reverse().map((one) => (
            <li key={one.attempt} class="card">
              <p><strong>Attempt {one.attempt}</strong> {ENDS[one.end] ?? one.end} <span class="soft"><Ago at={one.startedAt} />{one.endedAt && `, after ${duration(Date.parse(one.endedAt) - Date.parse(one.startedAt))}`}, by <code>{one.worker}</code></span></p>
              {one.error && <pre class="whole">{errorText(one.error)}</pre>}
            </li>
          ))}
        </ol>
      </section>
      {found.logs.length > 0 && (
        <section><h2 class="section-head">What the engine wrote</h2><pre class="whole card" tabIndex={0}>{found.logs.join("\n")}</pre></section>
      )}
      <details class="card under"><summary>What the task was begun with</summary><pre class="whole">{JSON.stringify(found.raw ?? found.payload, null, 2)}</pre></details>
    </>
  );
}

function Settled({ how }: { how: { at?: string; by?: string; reason?: string; bulk?: string } }) {
  return (
    <>
      {how.at && <Ago at={how.at} />} {how.by && `by ${how.by}`}{how.reason && `: ${how.reason}`}
      {how.bulk && <> (<a href={to(["redrives", how.bulk])}>all of this redrive</a>)</>}
    </>
  );
}

const ENDS: Record<string, string> = {
  running: "runs", succeeded: "succeeded", failed: "failed", lost: "was lost with its worker", "handed-back": "was handed back",
};

function errorText(error: Record<string, unknown>): string {
  const { code, message, verdict: _, budget: __, ...rest } = error;
  const more = Object.keys(rest).length ? `\n${JSON.stringify(rest, null, 2)}` : "";
  return `${String(code ?? "")} ${String(message ?? "")}${more}`.trim();
}

const REASONS: Record<string, string> = {
  permanent: "trying again can't help", budget_spent: "no attempt was left", elapsed_limit: "it took too long", unreadable: "it can't be read",
};

/** `no attempt was left (transport)`. */
function reasonWords(reason: { kind?: string; budget?: string }): string {
  const words = REASONS[reason.kind ?? ""] ?? JSON.stringify(reason);
  return reason.budget ? `${words} (${reason.budget})` : words;
}

function Fact({ name, children }: { name: string; children: preact.ComponentChildren }) {
  return <div><dt>{name}</dt><dd>{children}</dd></div>;
}

interface ActProps {
  id: string;
  onDone: () => void;
  onClose: () => void;
}

function Redrive({ id, onDone, onClose }: ActProps) {
  const engines = useData("plugins", (signal) => plugins(signal));
  const [engine, setEngine] = useState("");
  const [reason, setReason] = useState("");
  return (
    <Confirm
      title="Redrive this dead letter?"
      act="Redrive"
      onAct={async () => {
        await redriveOne(id, { ...(engine ? { engine } : {}), ...(reason.trim() ? { reason: reason.trim() } : {}) });
        onDone();
      }}
      onClose={onClose}
    >
      <p>The task goes on where it failed; what is done is kept.</p>
      <label class="field">
        <span>Engine</span>
        <select value={engine} onChange={(event) => setEngine(event.currentTarget.value)}>
          <option value="">the one that the task began with</option>
          {engines.value?.plugins.map((one) => <option key={one.name} value={one.name}>{one.name}, active version</option>)}
        </select>
      </label>
      <label class="field"><span>Reason, for the audit log</span><input value={reason} maxLength={500} onInput={(event) => setReason(event.currentTarget.value)} /></label>
    </Confirm>
  );
}

function Discard({ id, onDone, onClose }: ActProps) {
  const [reason, setReason] = useState("");
  return (
    <Confirm
      title="Discard this dead letter?"
      act="Discard"
      danger
      onAct={async () => {
        await discardOne(id, reason.trim() ? { reason: reason.trim() } : {});
        onDone();
      }}
      onClose={onClose}
    >
      <p>It is put aside for good, and a task that waits for it fails.</p>
      <label class="field"><span>Reason, for the audit log</span><input value={reason} maxLength={500} onInput={(event) => setReason(event.currentTarget.value)} /></label>
    </Confirm>
  );
}
