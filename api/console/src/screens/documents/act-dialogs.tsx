// Asks before something is done to one document or to all that match.
import { useEffect, useRef, useState } from "preact/hooks";
import { Confirm } from "../../components/confirm.tsx";
import { Dialog } from "../../components/dialog.tsx";
import { Problem } from "../../components/problem.tsx";
import { announce } from "../../announce.ts";
import { atLeast, count, number } from "../../format.ts";
import { actOn, actOnAll, actWords, type Act, type Bulk } from "../../task-acts.ts";
import type { Filters, Task } from "../../tasks.ts";
import { taskWord } from "../../words.ts";

interface OneProps {
  act: Act;
  task: Pick<Task, "taskId" | "userId" | "filename">;
  onDone: () => void;
  onClose: () => void;
}

export function ActOnOne({ act, task, onDone, onClose }: OneProps) {
  const words = actWords(act);
  return (
    <Confirm
      title={`${words.one} this document?`}
      act={words.one}
      danger={words.danger}
      onAct={async () => {
        await actOn(act, task);
        onDone();
      }}
      onClose={onClose}
    >
      <p class="clamp"><strong dir="auto">{task.filename}</strong></p>
      <p>{words.does}</p>
    </Confirm>
  );
}

interface AllProps {
  act: Act;
  filters: Filters;
  onDone: () => void;
  onClose: () => void;
}

/** Counts first, then does it, a part at a time, until as many are done as were counted.
 * Closing the dialog stops it after the part that is under way. */
export function ActOnAll({ act, filters, onDone, onClose }: AllProps) {
  const words = actWords(act);
  const [plan, setPlan] = useState<Bulk | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const [result, setResult] = useState<{ done: number; failed: Bulk["failed"]; failedCount: number } | null>(null);
  const closed = useRef(false);
  useEffect(() => {
    actOnAll(act, filters, true).then(setPlan, setError);
    return () => {
      closed.current = true;
    };
  }, []);

  if (error) return <Dialog title={`${words.one} documents`} onClose={onClose}><Problem error={error} /><Close onClose={onClose} /></Dialog>;
  if (!plan) return <Dialog title={`${words.one} documents`} onClose={onClose}><p aria-busy="true">Counting…</p></Dialog>;
  if (result) {
    return (
      <Dialog title={`${words.one}: done`} onClose={onClose}>
        <p>{count(result.done, "document")}{result.failedCount ? `, ${number(result.failedCount)} could not be changed` : ""}.</p>
        {result.failed.length > 0 && (
          <ul class="plain-list">
            {result.failed.slice(0, 20).map((one) => <li key={one.taskId}><code>{one.code}</code> {one.message} <code class="soft">{one.taskId}</code></li>)}
          </ul>
        )}
        <Close onClose={onClose} />
      </Dialog>
    );
  }
  if (!plan.matched) {
    return <Dialog title={`${words.one} documents`} onClose={onClose}><p>There are no documents {words.what} {shownBy(filters)}.</p><Close onClose={onClose} /></Dialog>;
  }
  const amount = atLeast(plan.matched, plan.matchedIsLowerBound, "document");
  return (
    <Confirm
      title={`${words.one} ${amount}?`}
      act={`${words.one} ${amount}`}
      danger={words.danger}
      typed={words.danger ? String(plan.matched) : undefined}
      onAct={async () => {
        const total = { done: 0, failed: [] as Bulk["failed"], failedCount: 0 };
        for (;;) {
          const part = await actOnAll(act, filters, false);
          total.done += part.done;
          total.failed = [...total.failed, ...part.failed].slice(0, 100);
          total.failedCount = part.failedCount ?? part.failed.length;
          // Nothing done: what is left can't be changed. More than counted: what came since is
          // left, so that documents that fail again at once are not retried for ever.
          if (closed.current || !part.more || !part.done) break;
          if (!plan.matchedIsLowerBound && total.done >= plan.matched) break;
        }
        announce(`${words.one}: ${count(total.done, "document")}.`);
        onDone();
        setResult(total);
        return "stay";
      }}
      onClose={onClose}
    >
      <p>All documents {words.what} {shownBy(filters)}, also those that are not on the screen.</p>
      <p>{words.does}</p>
    </Confirm>
  );
}

function shownBy(filters: Filters): string {
  const parts = [];
  if (filters.status.length) parts.push(`with the status ${filters.status.map((status) => `“${taskWord(status)}”`).join(" or ")}`);
  if (filters.q) parts.push(`whose name has “${filters.q}”`);
  if (filters.engine) parts.push(`for the engine ${filters.engine}`);
  return parts.length ? parts.join(" and ") : "of this user";
}

function Close({ onClose }: { onClose: () => void }) {
  return <div class="buttons end"><button type="button" class="primary" onClick={onClose}>Close</button></div>;
}
