// Redrives or discards all that match: what it would do first, then the number typed to go.
import { useEffect, useState } from "preact/hooks";
import { discardMany, planMany, plugins, redriveMany, type Group } from "../../admin.ts";
import type { Schemas } from "../../client.ts";
import { Confirm } from "../../components/confirm.tsx";
import { Dialog } from "../../components/dialog.tsx";
import { Problem } from "../../components/problem.tsx";
import { useData } from "../../data.ts";
import { count, duration, number } from "../../format.ts";
import { bulkFilter, commandLine, filterWords, hasFilters, type LetterFilters } from "../../letters.ts";
import { go, to } from "../../router.ts";

interface Props {
  act: "redrive" | "discard";
  filters: LetterFilters;
  onDone: () => void;
  onClose: () => void;
}

export function SettleMany({ act, filters, onDone, onClose }: Props) {
  const [plan, setPlan] = useState<Schemas["Groups"] | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const engines = useData("plugins", (signal) => plugins(signal));
  const [engine, setEngine] = useState("");
  const [onlyFailed, setOnlyFailed] = useState(false);
  const [rate, setRate] = useState("5");
  const [reason, setReason] = useState("");
  const which: { filter?: Record<string, string>; all?: boolean } = hasFilters(filters) ? { filter: bulkFilter(filters) } : { all: true };
  useEffect(() => {
    planMany(which).then(setPlan, setError);
  }, []);

  const word = act === "redrive" ? "Redrive" : "Discard";
  if (error) return <Dialog title={`${word} dead letters`} onClose={onClose}><Problem error={error} /></Dialog>;
  if (!plan) return <Dialog title={`${word} dead letters`} onClose={onClose}><p aria-busy="true">Counting…</p></Dialog>;
  const perSecond = Number(rate) > 0 ? Number(rate) : null;
  const how = {
    ...(act === "redrive" && engine ? { engine } : {}),
    ...(act === "redrive" && onlyFailed ? { onlyFailedPages: true } : {}),
    ...(perSecond ? { rate: perSecond } : {}),
    ...(reason.trim() ? { reason: reason.trim() } : {}),
  };
  return (
    <Confirm
      title={`${word} ${count(plan.total, "dead letter")}?`}
      act={`${word} ${count(plan.total, "dead letter")}`}
      danger={act === "discard"}
      typed={String(plan.total)}
      onAct={async () => {
        // What died since it was counted was not agreed to.
        const counted = { filter: { ...which.filter, until: plan.asOf } };
        const begun = await (act === "redrive" ? redriveMany : discardMany)({ ...counted, ...how });
        onDone();
        go(to(["redrives", begun.id]));
      }}
      onClose={onClose}
    >
      <p>{act === "redrive"
        ? "Each task goes on where it failed; what is done is kept."
        : "They are put aside for good, and tasks that wait for them fail."}</p>
      <p>Dead letters {filterWords({ ...filters, state: "waiting" })}: {count(plan.total, "letter")} of {count(plan.groups.length, "cause")}.</p>
      <Plan groups={plan.groups} />
      {act === "redrive" && (
        <>
          <label class="field">
            <span>Engine</span>
            <select value={engine} onChange={(event) => setEngine(event.currentTarget.value)}>
              <option value="">the one that each task began with</option>
              {engines.value?.plugins.map((one) => <option key={one.name} value={one.name}>{one.name}, active version</option>)}
            </select>
          </label>
          <p><label class="check"><input type="checkbox" checked={onlyFailed} onChange={(event) => setOnlyFailed(event.currentTarget.checked)} /> Only pages that failed</label></p>
        </>
      )}
      <label class="field">
        <span>Letters per second, empty for no limit</span>
        <input type="number" min={0.1} step="any" value={rate} onInput={(event) => setRate(event.currentTarget.value)} />
        <span class="hint">{perSecond ? `It takes at least ${duration((plan.total / perSecond) * 1000)}.` : "As fast as the server can."}</span>
      </label>
      <label class="field"><span>Reason, for the audit log</span><input value={reason} maxLength={500} onInput={(event) => setReason(event.currentTarget.value)} /></label>
      <details class="small">
        <summary>The same as a command</summary>
        <p><code>{commandLine(act, filters, how)}</code></p>
      </details>
    </Confirm>
  );
}

/** Causes that are listed; the rest is counted. */
const SHOWN_MAX = 8;

function Plan({ groups }: { groups: Group[] }) {
  return (
    <ul class="plain-list plan">
      {groups.slice(0, SHOWN_MAX).map((group) => (
        <li key={`${group.fingerprint}${group.step}${group.digest}`}><strong class="num">{number(group.count)}</strong> <code>{group.code}</code> at {group.workflow}/{group.step}</li>
      ))}
      {groups.length > SHOWN_MAX && <li class="soft">and {count(groups.length - SHOWN_MAX, "other cause")}</li>}
    </ul>
  );
}
