// What waits, by queue, and what each tenant may have of the workers.
import { useState } from "preact/hooks";
import { limit, pause, queues, resume, type Queues as Sight, type Tenant } from "../admin.ts";
import { Confirm } from "../components/confirm.tsx";
import { Fresh } from "../components/fresh.tsx";
import { Loaded } from "../components/loaded.tsx";
import { Screen } from "../components/screen.tsx";
import { State } from "../components/state.tsx";
import { useData } from "../data.ts";
import { count, number } from "../format.ts";
import { Limits } from "./operators/limits.tsx";

type Asked = { what: "pause" | "resume"; queue?: string; tenant?: string } | { what: "limit"; tenant: Tenant | null };

export function Queues() {
  const data = useData("queues", (signal) => queues(signal), 5_000);
  const [asked, setAsked] = useState<Asked | null>(null);
  const close = () => setAsked(null);
  const allPaused = data.value?.queues.every((queue) => queue.paused) ?? false;
  return (
    <Screen title="Queues and tenants" side={<Fresh data={data} />}>
      <Loaded data={data}>
        {(sight) => (
          <>
            <QueueTable sight={sight} onAsk={setAsked} />
            <div class="buttons under">
              {!allPaused && <button type="button" onClick={() => setAsked({ what: "pause" })}>Pause all queues…</button>}
              {sight.queues.some((queue) => queue.paused) && <button type="button" onClick={() => setAsked({ what: "resume" })}>Resume all queues…</button>}
            </div>
            <TenantTable tenants={sight.tenants} onAsk={setAsked} />
          </>
        )}
      </Loaded>
      {asked && asked.what !== "limit" && <PauseOrResume asked={asked} sight={data.value} onDone={data.reload} onClose={close} />}
      {asked?.what === "limit" && (
        <Limits tenant={asked.tenant} onSave={async (share) => { await limit(share); data.reload(); }} onClose={close} />
      )}
    </Screen>
  );
}

function QueueTable({ sight, onAsk }: { sight: Sight; onAsk: (asked: Asked) => void }) {
  return (
    <div class="table-box" tabIndex={0} role="region" aria-label="Queues">
      <table>
        <caption class="unseen">Queues</caption>
        <thead><tr><th scope="col">Queue</th><th scope="col" class="num">Ready</th><th scope="col" class="num">Scheduled</th><th scope="col" class="num">At work</th><th scope="col">State</th><th scope="col"><span class="unseen">Acts</span></th></tr></thead>
        <tbody>
          {sight.queues.map((queue) => (
            <tr key={queue.name}>
              <th scope="row">{queue.name}</th>
              <td class="num">{number(queue.ready)}</td>
              <td class="num">{number(queue.scheduled)}</td>
              <td class="num">{number(queue.held)}</td>
              <td><State status={queue.paused ? "silent" : "alive"} word={queue.paused ? "Paused" : "Running"} /></td>
              <td class="acts">
                <button type="button" class="quiet" onClick={() => onAsk({ what: queue.paused ? "resume" : "pause", queue: queue.name })}>{queue.paused ? "Resume" : "Pause"}<span class="unseen"> {queue.name}</span></button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function TenantTable({ tenants, onAsk }: { tenants: Tenant[]; onAsk: (asked: Asked) => void }) {
  return (
    <section>
      <div class="section-head">
        <h2>Tenants with settings of their own</h2>
        <button type="button" onClick={() => onAsk({ what: "limit", tenant: null })}>Limit a tenant…</button>
      </div>
      {!tenants.length && <p class="soft">None: every user has the same share and no limit.</p>}
      {tenants.length > 0 && (
        <div class="table-box" tabIndex={0} role="region" aria-label="Tenants">
          <table>
            <caption class="unseen">Tenants</caption>
            <thead><tr><th scope="col">Tenant</th><th scope="col" class="num">Weight</th><th scope="col" class="num">At a time</th><th scope="col" class="num">Starts per minute</th><th scope="col">State</th><th scope="col"><span class="unseen">Acts</span></th></tr></thead>
            <tbody>
              {tenants.map((one) => (
                <tr key={one.tenant}>
                  <th scope="row"><code>{one.tenant}</code></th>
                  <td class="num">{number(one.weight)}</td>
                  <td class="num">{one.concurrency === null ? "no limit" : number(one.concurrency)}</td>
                  <td class="num">{one.ratePerMinute === null ? "no limit" : number(one.ratePerMinute)}</td>
                  <td><State status={one.paused ? "silent" : "alive"} word={one.paused ? "Paused" : "Running"} /></td>
                  <td class="acts">
                    <button type="button" class="quiet" onClick={() => onAsk({ what: "limit", tenant: one })}>Change<span class="unseen"> limits of {one.tenant}</span></button>
                    <button type="button" class="quiet" onClick={() => onAsk({ what: one.paused ? "resume" : "pause", tenant: one.tenant })}>{one.paused ? "Resume" : "Pause"}<span class="unseen"> {one.tenant}</span></button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

interface PauseProps {
  asked: { what: "pause" | "resume"; queue?: string; tenant?: string };
  sight: Sight | null;
  onDone: () => void;
  onClose: () => void;
}

function PauseOrResume({ asked, sight, onDone, onClose }: PauseProps) {
  const { what, queue, tenant } = asked;
  const thing = queue ? `the queue ${queue}` : tenant ? `the tenant ${tenant}` : "all queues";
  const waiting = sight?.queues.filter((one) => !queue || one.name === queue).reduce((sum, one) => sum + one.ready, 0) ?? 0;
  return (
    <Confirm
      title={`${what === "pause" ? "Pause" : "Resume"} ${thing}?`}
      act={what === "pause" ? "Pause" : "Resume"}
      onAct={async () => {
        const which = { ...(queue ? { queue } : {}), ...(tenant ? { tenant } : {}) };
        await (what === "pause" ? pause(which) : resume(which));
        onDone();
      }}
      onClose={onClose}
    >
      {what === "pause"
        ? <p>No step is started any more; those at work are finished. {!tenant && `${count(waiting, "step")} ready to start wait.`} Uploads are still taken.</p>
        : <p>Steps are started again{tenant ? "" : `, beginning with ${count(waiting, "step")} that wait`}.</p>}
    </Confirm>
  );
}
