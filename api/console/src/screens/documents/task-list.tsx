// The list: a row for each document.
import { Menu } from "../../components/menu.tsx";
import { State } from "../../components/state.tsx";
import { Ago } from "../../components/time.tsx";
import { bytes, count, duration } from "../../format.ts";
import { to } from "../../router.ts";
import { may } from "../../session.ts";
import { ACTS, actWords, applies, type Act } from "../../task-acts.ts";
import type { Task } from "../../tasks.ts";
import { hasEnded, pagesSentence, taskWord } from "../../words.ts";

interface Props {
  tasks: Task[];
  onAct: (act: Act, task: Task) => void;
}

export function TaskList({ tasks, onAct }: Props) {
  return (
    <ul class="docs" aria-label="Documents, newest first">
      {tasks.map((task) => <Row key={task.taskId} task={task} onAct={onAct} />)}
    </ul>
  );
}

function Row({ task, onAct }: { task: Task; onAct: Props["onAct"] }) {
  const { pagesDone } = task.progress;
  const total = task.progress.pagesTotal ?? task.pagesTotal;
  const failed = task.result?.failedPages.length ?? 0;
  const acts = may("submit") ? ACTS.filter((act) => applies(act, task.status)) : [];
  return (
    <li class="doc">
      <div class="doc-name">
        <a href={to(["documents", task.taskId])} dir="auto">{task.filename}</a>
        <p class="soft small">
          {facts(task).map((fact, place) => <span key={place}>{fact}</span>)}
          {task.result?.simulated && <span class="tag">simulated</span>}
        </p>
      </div>
      <div class="doc-state">
        <State status={task.status} word={taskWord(task.status)} />
        <Detail task={task} done={pagesDone} total={total} failed={failed} />
      </div>
      <div class="doc-when soft small">{task.createdAt && <Ago at={task.createdAt} />}</div>
      <div class="doc-acts">
        {acts.length > 0 && (
          <Menu label={<><span aria-hidden="true">⋯</span></>} name={`Acts on ${shortened(task.filename)}`} kind="quiet icon-only">
            {acts.map((act) => <button key={act} type="button" onClick={() => onAct(act, task)}>{actWords(act).one}…</button>)}
          </Menu>
        )}
      </div>
    </li>
  );
}

/** Names longer than this are cut in names of buttons, where nobody reads on. */
const NAME_MAX = 80;

function shortened(name: string): string {
  return name.length > NAME_MAX ? `${name.slice(0, NAME_MAX)}…` : name;
}

function facts(task: Task): string[] {
  const parts = [];
  const pages = task.pagesTotal ?? task.progress.pagesTotal;
  if (pages) parts.push(count(pages, "page"));
  if (task.fileSize !== null) parts.push(bytes(task.fileSize));
  parts.push(task.engine);
  return parts;
}

function Detail({ task, done, total, failed }: { task: Task; done: number; total: number | null; failed: number }) {
  if (task.status === "completed" && task.startedAt && task.completedAt) {
    return <span class="soft small">in {duration(Date.parse(task.completedAt) - Date.parse(task.startedAt))}</span>;
  }
  if (task.status === "failed" && task.error) {
    return <span class="small why" title={task.error.message ?? ""}><code>{task.error.code}</code> {task.error.message}</span>;
  }
  if (task.status === "partial") return <span class="small">{failed ? `${count(failed, "page")} failed` : ""}</span>;
  if (hasEnded(task.status)) return null;
  if (task.step === "download") return <span class="soft small">fetching the document</span>;
  if (task.status === "queued") return <span class="soft small">in the queue</span>;
  return (
    <span class="doc-progress small">
      <span class="num">{pagesSentence(done, total, failed)}</span>
      {total !== null && total > 1 && <progress max={total} value={done} aria-label={`Pages done of ${shortened(task.filename)}`} />}
    </span>
  );
}
