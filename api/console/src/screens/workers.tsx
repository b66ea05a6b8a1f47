// The workers, when each was last heard of, and what it holds.
import { useState } from "preact/hooks";
import { drain, resumeWorker, workers, type Slot, type Worker } from "../admin.ts";
import { Confirm } from "../components/confirm.tsx";
import { Fresh } from "../components/fresh.tsx";
import { Loaded } from "../components/loaded.tsx";
import { Screen } from "../components/screen.tsx";
import { State } from "../components/state.tsx";
import { Ago } from "../components/time.tsx";
import { useData } from "../data.ts";
import { count, number } from "../format.ts";
import { TaskLink } from "./operators/task-link.tsx";

const WORDS: Record<string, string> = { alive: "Alive", draining: "Draining", silent: "Silent", gone: "Gone", unreadable: "Unreadable" };

/** What a worker holds and is shown before it is opened. */
const HOLDS_MAX = 50;

export function Workers() {
  const data = useData("workers", (signal) => workers(signal), 5_000);
  const [asked, setAsked] = useState<{ worker: Worker; act: "drain" | "resume" } | null>(null);
  return (
    <Screen title="Workers" side={<Fresh data={data} />}>
      <Loaded data={data}>
        {({ workers: all }) => all.length === 0
          ? <p class="nothing">No worker is known. Start one with <code>untxt worker</code>, or the server with one in it: <code>untxt serve</code>.</p>
          : (
            <>
              <div class="table-box" tabIndex={0} role="region" aria-label="Workers">
                <table>
                  <caption class="unseen">Workers</caption>
                  <thead><tr><th scope="col">Worker</th><th scope="col">State</th><th scope="col">Last heard of</th><th scope="col">Since</th><th scope="col">Holds</th><th scope="col"><span class="unseen">Acts</span></th></tr></thead>
                  <tbody>{all.map((worker) => <Row key={worker.name} worker={worker} onAsk={(act) => setAsked({ worker, act })} />)}</tbody>
                </table>
              </div>
              <p class="hint under">Draining: it finishes what it holds and starts nothing new. Silent: not heard of for longer than a lease. Gone: off the list, and others take over what it holds.</p>
            </>
          )}
      </Loaded>
      {asked && (
        <Confirm
          title={asked.act === "drain" ? "Drain this worker?" : "Have this worker work again?"}
          act={asked.act === "drain" ? "Drain" : "Resume"}
          onAct={async () => {
            await (asked.act === "drain" ? drain : resumeWorker)(asked.worker.name);
            data.reload();
          }}
          onClose={() => setAsked(null)}
        >
          <p><code>{asked.worker.name}</code></p>
          {asked.act === "drain"
            ? <p>It finishes the {count(asked.worker.holds.length, "step")} that it holds and starts nothing new. Other workers take the rest; without another, the rest waits.</p>
            : <p>It starts steps again.</p>}
        </Confirm>
      )}
    </Screen>
  );
}

function Row({ worker, onAsk }: { worker: Worker; onAsk: (act: "drain" | "resume") => void }) {
  const { holds } = worker;
  return (
    <tr>
      <th scope="row"><code>{worker.name}</code></th>
      <td><State status={worker.state} word={WORDS[worker.state] ?? worker.state} /></td>
      <td>{worker.lastHeartbeat ? <Ago at={worker.lastHeartbeat} /> : "—"}</td>
      <td>{worker.since ? <Ago at={worker.since} /> : "—"}</td>
      <td>
        {holds.length === 0 && <span class="soft">nothing</span>}
        {holds.length > 0 && (
          <details>
            <summary>{count(holds.length, "step")}</summary>
            <ul class="plain-list">
              {holds.slice(0, HOLDS_MAX).map((slot) => <li key={`${slot.run}${slot.step}${slot.item}`}><Holding slot={slot} /></li>)}
              {holds.length > HOLDS_MAX && <li class="soft">and {number(holds.length - HOLDS_MAX)} more</li>}
            </ul>
          </details>
        )}
      </td>
      <td class="acts">
        {worker.state === "alive" && <button type="button" class="quiet" onClick={() => onAsk("drain")}>Drain…<span class="unseen"> {worker.name}</span></button>}
        {worker.state === "draining" && <button type="button" class="quiet" onClick={() => onAsk("resume")}>Resume…<span class="unseen"> {worker.name}</span></button>}
      </td>
    </tr>
  );
}

function Holding({ slot }: { slot: Slot }) {
  return <>{slot.workflow}/{slot.step}{slot.item !== null && `, item ${slot.item}`}, attempt {slot.attempt}: <TaskLink id={slot.run} workflow={slot.workflow} /></>;
}
