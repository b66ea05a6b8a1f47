// What failed and is tried again: when, why, and what can be done before.
import { useState } from "preact/hooks";
import { giveUp, retries, retryNow, type Retry } from "../admin.ts";
import { Confirm } from "../components/confirm.tsx";
import { Fresh } from "../components/fresh.tsx";
import { Loaded } from "../components/loaded.tsx";
import { Pager } from "../components/pager.tsx";
import { Problem } from "../components/problem.tsx";
import { Screen } from "../components/screen.tsx";
import { Until } from "../components/time.tsx";
import { useData } from "../data.ts";
import { TaskLink } from "./operators/task-link.tsx";

const LIMIT = 50;

export function Retries({ query }: { query: Record<string, string> }) {
  const offset = Number(query.offset) || 0;
  const data = useData(`retries/${offset}`, (signal) => retries(signal, { limit: LIMIT, offset }), 5_000);
  const [asked, setAsked] = useState<Retry | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const now = async (one: Retry) => {
    try {
      await retryNow({ run: one.run, item: one.item });
      setError(null);
      data.reload();
    } catch (failure) {
      setError(failure as Error);
    }
  };
  return (
    <Screen title="Retries" side={<Fresh data={data} />}>
      {error && <Problem error={error} />}
      <Loaded data={data}>
        {(found) => found.retries.length === 0
          ? <p class="nothing">Nothing waits for another attempt.</p>
          : (
            <>
              <div class="table-box" tabIndex={0} role="region" aria-label="Retries">
                <table>
                  <caption class="unseen">Steps that wait for another attempt</caption>
                  <thead><tr><th scope="col">Step</th><th scope="col">Due</th><th scope="col" class="num">Attempt</th><th scope="col">Last error</th><th scope="col">Task</th><th scope="col"><span class="unseen">Acts</span></th></tr></thead>
                  <tbody>
                    {found.retries.map((one) => (
                      <tr key={`${one.run}${one.step}${one.item}`}>
                        <th scope="row">{one.workflow}/{one.step}{one.item !== null && <span class="soft">, item {one.item}</span>}</th>
                        <td><Until at={one.dueAt} /></td>
                        <td class="num">{one.attempt}</td>
                        <td>{one.error ? <><code>{one.error.code}</code> <span class="clamp">{one.error.message}</span></> : <span class="soft">none</span>}</td>
                        <td><TaskLink id={one.run} workflow={one.workflow} /></td>
                        <td class="acts">
                          <button type="button" class="quiet" onClick={() => void now(one)}>Try now</button>
                          <button type="button" class="quiet" onClick={() => setAsked(one)}>Give up…</button>
                        </td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
              <Pager pagination={found.pagination} shown={found.retries.length} />
            </>
          )}
      </Loaded>
      {asked && <GiveUp retry={asked} onDone={data.reload} onClose={() => setAsked(null)} />}
    </Screen>
  );
}

function GiveUp({ retry, onDone, onClose }: { retry: Retry; onDone: () => void; onClose: () => void }) {
  const [reason, setReason] = useState("");
  return (
    <Confirm
      title="Give this step up?"
      act="Give up"
      danger
      onAct={async () => {
        await giveUp({ run: retry.run, item: retry.item, ...(reason.trim() ? { reason: reason.trim() } : {}) });
        onDone();
      }}
      onClose={onClose}
    >
      <p>It is not tried again and becomes a dead letter, which can be redriven later. {retry.item !== null ? "The task goes on as it does when a page fails." : "The task fails."}</p>
      <label class="field"><span>Reason, for the audit log</span><input value={reason} onInput={(event) => setReason(event.currentTarget.value)} maxLength={500} /></label>
    </Confirm>
  );
}
