// The user's documents: where they come in, and how far each is.
import { useState } from "preact/hooks";
import { useCell } from "../cell.ts";
import { Menu } from "../components/menu.tsx";
import { Problem } from "../components/problem.tsx";
import { Screen } from "../components/screen.tsx";
import { count, number } from "../format.ts";
import { mode } from "../live.ts";
import { may } from "../session.ts";
import { ACTS, actWords, type Act } from "../task-acts.ts";
import { filtersOf, type Filters, type Task } from "../tasks.ts";
import { useTasks } from "../use-tasks.ts";
import { ActOnAll, ActOnOne } from "./documents/act-dialogs.tsx";
import { Add } from "./documents/add.tsx";
import { FilterBar } from "./documents/filter-bar.tsx";
import { TaskList } from "./documents/task-list.tsx";
import { UploadQueue } from "./documents/upload-queue.tsx";

type Asked = { act: Act; task: Task } | { act: Act; filters: Filters };

export function Documents({ query }: { query: Record<string, string> }) {
  const filters = filtersOf(query);
  const list = useTasks(filters);
  const [asked, setAsked] = useState<Asked | null>(null);
  const filtered = filters.status.length > 0 || filters.q !== "" || filters.engine !== "";
  const none = list.tasks?.length === 0;
  const close = () => setAsked(null);
  return (
    <Screen title="Documents" side={<LiveHint />}>
      {may("submit") && <Add large={none && !filtered} />}
      <UploadQueue />
      {list.error && <Problem error={list.error} retry={list.reload} />}
      {!(none && !filtered) && (
        <div class="list-head">
          <FilterBar filters={filters} counts={list.counts} />
          {may("submit") && (
            <Menu label="All that match…">
              {ACTS.map((act) => (
                <button key={act} type="button" onClick={() => setAsked({ act, filters })}>{actWords(act).one} all…</button>
              ))}
            </Menu>
          )}
        </div>
      )}
      {list.tasks === null && !list.error && <p class="loading" aria-busy="true">Loading…</p>}
      {none && filtered && <p class="nothing">No document matches these filters.</p>}
      {none && !filtered && <p class="nothing">There are no documents yet. Their text appears here as soon as the first page is read.</p>}
      {list.tasks && list.tasks.length > 0 && (
        <>
          <TaskList tasks={list.tasks} onAct={(act, task) => setAsked({ act, task })} />
          <p class="list-foot soft">
            {number(list.tasks.length)} of {list.totalIsLowerBound ? "more than " : ""}{count(list.total, "document")}
            {list.more && <button type="button" aria-disabled={list.busy} onClick={list.more}>{list.busy ? "Loading…" : "Show more"}</button>}
          </p>
        </>
      )}
      {asked && "task" in asked && <ActOnOne act={asked.act} task={asked.task} onDone={list.reload} onClose={close} />}
      {asked && "filters" in asked && <ActOnAll act={asked.act} filters={asked.filters} onDone={list.reload} onClose={close} />}
    </Screen>
  );
}

function LiveHint() {
  const way = useCell(mode);
  if (way !== "polling") return null;
  return <p class="live-hint soft small">Live updates are off: the way to the server does not pass WebSockets. The list is fetched every 3 seconds.</p>;
}
