// What stands beside the picture: the text of the page, or why there is none.
import { Problem } from "../components/problem.tsx";
import { Refused, address, type Schemas } from "../client.ts";
import type { Data } from "../data.ts";
import type { PageState } from "../use-document.ts";
import { pageWord } from "../words.ts";
import { TextPane } from "./text-pane.tsx";
import type { Block, Page } from "./words.ts";

interface Props {
  task: Schemas["TaskDetails"];
  state: PageState | undefined;
  data: Data<Page | null>;
  blocks: Block[];
  found: Set<string>;
  doubtful: Set<string>;
  onPoint: (word: string | null) => void;
}

export function PageText({ task, state, data, blocks, found, doubtful, onPoint }: Props) {
  const page = data.value;
  const pointed = (event: Event) => onPoint((event.target as Element).closest?.("[data-word]")?.getAttribute("data-word") ?? null);
  const empty = page && !blocks.some((block) => block.lines.length);
  return (
    <section class="text-pane" aria-label="Text of the page" aria-busy={data.loading} tabIndex={0} onPointerOver={pointed} onPointerLeave={() => onPoint(null)}>
      {page?.simulated && <p class="notice">Made up by the simulated engine <strong>{task.engine}</strong>: this text is not in the document.</p>}
      {page?.fallback && <p class="notice">The engine could not read this page, so another way was taken: look twice.</p>}
      {page?.warnings?.map((warning) => <p class="notice" key={warning}>{warning}</p>)}
      {state?.status === "failed" && (
        <div class="problem">
          <div>
            <strong>This page failed.</strong> {state.error && <><code>{state.error.code}</code> {state.error.message}</>}
            {(task.status === "failed" || task.status === "partial") && <p>Retry the failed pages, or take the document without them.</p>}
          </div>
        </div>
      )}
      {state && state.status !== "completed" && state.status !== "failed" && (
        <p class="loading">{pageWord(state.status)}: the text appears here as soon as the page is read.</p>
      )}
      {data.error && <Why error={data.error} retry={data.reload} />}
      {empty && <p class="loading">There is no text on this page.</p>}
      {page && <TextPane blocks={blocks} language={page.language} found={found} doubtful={doubtful} />}
      {page && page.source === "text-layer" && <p class="hint">From the text layer of the file, not recognised.</p>}
    </section>
  );
}

function Why({ error, retry }: { error: Error; retry: () => void }) {
  if (error instanceof Refused && error.code === "HISTORY_PRUNED") {
    return <p class="notice">The pages of this document are no longer kept one by one. Its results can be downloaded as long as the document is there.</p>;
  }
  return <Problem error={error} retry={retry} />;
}

/** Where a page's picture is. */
export function imageOf(task: string, page: number, width: number): string {
  return address(`api/tasks/${task}/pages/${page}/image`, { width });
}
