// One document: its pages, their text, and what can be done with them.
import { useState } from "preact/hooks";
import { useCell } from "../cell.ts";
import { CopyButton } from "../components/copy.tsx";
import { Menu } from "../components/menu.tsx";
import { Problem } from "../components/problem.tsx";
import { Screen } from "../components/screen.tsx";
import { State } from "../components/state.tsx";
import { Refused } from "../client.ts";
import { count } from "../format.ts";
import { mode } from "../live.ts";
import { go, to } from "../router.ts";
import { may } from "../session.ts";
import { ACTS, actWords, applies, type Act } from "../task-acts.ts";
import { useDocument } from "../use-document.ts";
import { blocksOf, textOf, type Page } from "../viewer/words.ts";
import { hasEnded, pagesSentence, taskWord } from "../words.ts";
import { ActOnOne } from "./documents/act-dialogs.tsx";
import { Downloads } from "./document/downloads.tsx";
import { Facts } from "./document/facts.tsx";
import { Viewer } from "./document/viewer.tsx";

export function Document({ id, query }: { id: string; query: Record<string, string> }) {
  const found = useDocument(id);
  const [asked, setAsked] = useState<Act | null>(null);
  const [page, setPage] = useState<Page | null>(null);
  const way = useCell(mode);
  const { task, pages } = found;

  if (found.erased) {
    return <Screen title="This document was erased"><p><a href={to("documents")}>Go to the documents</a></p></Screen>;
  }
  if (!task) {
    const gone = found.error instanceof Refused && found.error.status === 404;
    return (
      <Screen title={gone ? "There is no such document" : "Document"}>
        {gone && <p>It was erased, or belongs to another user. <a href={to("documents")}>Go to the documents</a>.</p>}
        {found.error && !gone && <Problem error={found.error} retry={found.reload} />}
        {!found.error && <p class="loading" aria-busy="true">Loading…</p>}
      </Screen>
    );
  }
  const total = task.progress.pagesTotal ?? task.pagesTotal;
  const failed = pages.filter((one) => one.status === "failed").length;
  const acts = may("submit") ? ACTS.filter((act) => act !== "retry" && applies(act, task.status)) : [];
  return (
    <Screen
      title={task.filename}
      name={task.filename.slice(0, 80)}
      kind="document"
      side={
        <div class="buttons">
          {may("submit") && applies("retry", task.status) && (
            <button type="button" class="primary" onClick={() => setAsked("retry")}>Retry {failed ? count(failed, "failed page") : "the document"}</button>
          )}
          {page && <CopyButton text={() => textOf(blocksOf(page))}>Copy text</CopyButton>}
          <Downloads task={task} />
          <Menu label={<span aria-hidden="true">⋯</span>} name="More" kind="icon-only">
            <a href={to(["documents", id, "history"])}>History</a>
            {acts.map((act) => <button key={act} type="button" onClick={() => setAsked(act)}>{actWords(act).one}…</button>)}
          </Menu>
        </div>
      }
    >
      <p class="doc-line">
        <a href={to("documents")}>Documents</a>
        <State status={task.status} word={taskWord(task.status)} />
        <span class="num soft">{pagesSentence(task.progress.pagesDone, total, failed)}</span>
        {!hasEnded(task.status) && total !== null && <progress max={total || 1} value={task.progress.pagesDone} aria-label="Pages done" />}
        {!hasEnded(task.status) && way === "polling" && <span class="soft small">asked every 3 seconds: the way to the server does not pass WebSockets</span>}
      </p>
      {task.result?.simulated && (
        <p class="notice">Simulated: the engine <strong>{task.engine}</strong> makes its text up. Nothing of it is in the document.</p>
      )}
      {task.error && <div class="problem"><div><code>{task.error.code}</code> {task.error.message}</div></div>}
      {found.error && <Problem error={found.error} retry={found.reload} />}
      <Viewer task={task} pages={pages} query={query} onText={setPage} />
      <Facts task={task} dpi={page?.dpi ?? null} />
      {asked && (
        <ActOnOne
          act={asked}
          task={task}
          onDone={() => (asked === "erase" ? go(to("documents")) : found.reload())}
          onClose={() => setAsked(null)}
        />
      )}
    </Screen>
  );
}
