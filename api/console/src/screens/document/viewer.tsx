// The pages of a document: a strip of all, the picture of one, and its text beside it.
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { useCell } from "../../cell.ts";
import { call } from "../../client.ts";
import { useData } from "../../data.ts";
import { useKeys } from "../../keys.ts";
import { refine, to } from "../../router.ts";
import type { Details, PageState } from "../../use-document.ts";
import { PagePicture, ZOOM_MAX, ZOOM_MIN } from "../../viewer/page-picture.tsx";
import { PageStrip } from "../../viewer/page-strip.tsx";
import { imageOf, PageText } from "../../viewer/page-text.tsx";
import { useSearch } from "../../viewer/search.ts";
import { SearchBar } from "../../viewer/search-bar.tsx";
import { confidenceWords, Toolbar } from "../../viewer/toolbar.tsx";
import { look, view } from "../../viewer/view.ts";
import { allWords, blocksOf, doubtful, matchedWords, type Page } from "../../viewer/words.ts";

interface Props {
  task: Details;
  pages: PageState[];
  query: Record<string, string>;
  onText: (text: Page | null) => void;
}

export function Viewer({ task, pages, query, onText }: Props) {
  const id = task.taskId;
  const shown = useCell(view);
  const [active, setActive] = useState<string | null>(null);
  const panes = useRef<HTMLDivElement>(null);

  const numbers = pages.map((one) => one.page);
  const wanted = Number(query.page);
  const page = numbers.includes(wanted) ? wanted : (numbers[0] ?? 1);
  const place = numbers.indexOf(page);
  const state = pages[place];
  const done = state?.status === "completed";

  const data = useData<Page | null>(`${id}/${page}/${done}/${state?.attempt ?? 0}`, (signal) =>
    done ? call<Page>(`api/tasks/${id}/pages/${page}`, { signal }) : Promise.resolve(null));
  const blocks = useMemo(() => (data.value ? blocksOf(data.value) : []), [data.value]);
  const words = useMemo(() => allWords(blocks), [blocks]);
  useEffect(() => onText(data.value), [data.value]);

  const search = useSearch(id, query.q ?? "");
  const at = matchPlace(query.match, search.matches.length);
  const found = useMemo(() => matchedWords(search.matches, page), [search.matches, page]);
  const foundPages = useMemo(() => new Set(search.matches.map((match) => match.page)), [search.matches]);
  const confidence = confidenceWords(data.value?.confidenceKind ?? task.result?.confidenceKind);
  const unsure = useMemo(
    () => (shown.doubtful && confidence ? doubtful(blocks, shown.below) : []),
    [blocks, shown.doubtful, shown.below, confidence],
  );
  const unsureIds = useMemo(() => new Set(unsure.map((word) => word.id)), [unsure]);

  const goTo = (next: number, more: Record<string, string> = {}) => refine({ page: next, word: "", ...more });
  const step = (by: number) => {
    const next = numbers[place + by];
    if (next !== undefined) goTo(next);
  };
  const toMatch = (by: number) => {
    const { matches } = search;
    if (!matches.length) return;
    // The first step goes to the next match from this page on.
    const from = matches.findIndex((match) => match.page >= page);
    const next = at === null ? Math.max(0, from) : (at + by + matches.length) % matches.length;
    const match = matches[next]!;
    goTo(match.page, { match: String(next + 1), word: `${match.block}.${match.line}.${match.first}` });
  };
  const toDoubtful = (by: number) => {
    if (!unsure.length) return;
    const now = unsure.findIndex((word) => word.id === query.word);
    const next = now < 0 ? (by > 0 ? 0 : unsure.length - 1) : (now + by + unsure.length) % unsure.length;
    refine({ word: unsure[next]!.id });
  };
  const zoom = useCallback((scale: number) => look({ zoom: scale }), []);
  const zoomBy = (factor: number) => {
    const box = panes.current?.querySelector(".picture-box");
    const picture = panes.current?.querySelector(".picture");
    const now = typeof shown.zoom === "number" ? shown.zoom : box && picture ? picture.clientWidth / box.clientWidth : 1;
    look({ zoom: Math.min(ZOOM_MAX, Math.max(ZOOM_MIN, now * factor)) });
  };

  useKeys({
    ArrowLeft: () => step(-1),
    ArrowRight: () => step(1),
    Home: () => numbers.length && goTo(numbers[0]!),
    End: () => numbers.length && goTo(numbers.at(-1)!),
    "+": () => zoomBy(1.25),
    "-": () => zoomBy(1 / 1.25),
    "0": () => look({ zoom: "page" }),
    w: () => look({ zoom: "width" }),
    b: () => look({ boxes: !shown.boxes }),
    t: () => look({ text: !shown.text }),
    n: () => (shown.doubtful ? toDoubtful(1) : confidence && look({ doubtful: true })),
    p: () => toDoubtful(-1),
  });

  // A word that the address names comes into view, in the picture and in the text.
  const named = query.word ?? "";
  useEffect(() => {
    if (!named || !words.length) return;
    setActive(named);
    for (const pane of [".picture-box", ".text-pane"]) {
      const box = panes.current?.querySelector(pane);
      const word = box?.querySelector(`[data-word="${CSS.escape(named)}"]`);
      if (box && word) centre(box, word);
    }
  }, [named, words]);
  const point = useCallback((word: string | null) => setActive(word), []);
  useEffect(() => {
    const texts = panes.current?.querySelectorAll(".text .active") ?? [];
    for (const old of texts) old.classList.remove("active");
    if (active) panes.current?.querySelector(`.text [data-word="${CSS.escape(active)}"]`)?.classList.add("active");
  });

  const href = useCallback((one: number) => to(["documents", id], { ...query, page: one, word: "", match: "" }), [id, query.q]);
  const thumb = useCallback((one: number) => imageOf(id, one, 400), [id]);
  if (!pages.length) return <p class="loading">The pages appear here as soon as the document was opened.</p>;
  const width = data.value?.width ?? state?.width ?? 1240;
  const height = data.value?.height ?? state?.height ?? 1754;
  const name = `Page ${page} of ${task.filename.slice(0, 80)}`;
  return (
    <div class="viewer">
      <div class="viewer-head">
        <Toolbar
          view={shown}
          page={page}
          last={numbers.at(-1)!}
          onPage={(next) => numbers.includes(next) && goTo(next)}
          onZoom={zoomBy}
          confidence={confidence}
          doubtfulCount={unsure.length}
          onDoubtful={toDoubtful}
        />
        <SearchBar search={search} at={at} onSearch={(q) => refine({ q, match: "", word: "" })} onStep={toMatch} />
      </div>
      <div class={`panes ${shown.text ? "" : "no-text"} ${pages.length > 1 ? "" : "no-strip"}`} ref={panes}>
        {pages.length > 1 && <PageStrip pages={pages} page={page} found={foundPages} href={href} image={thumb} />}
        <PagePicture
          key={page}
          name={name}
          image={(wide) => imageOf(id, page, wide)}
          width={width}
          height={height}
          zoom={shown.zoom}
          onZoom={zoom}
          blocks={blocks}
          words={words}
          language={data.value?.language}
          boxes={shown.boxes}
          found={found}
          doubtful={unsureIds}
          active={active}
          onPoint={point}
        />
        {shown.text && (
          <PageText task={task} state={state} data={data} blocks={blocks} found={found} doubtful={unsureIds} onPoint={point} />
        )}
      </div>
    </div>
  );
}

function matchPlace(text: string | undefined, of: number): number | null {
  const place = Number(text) - 1;
  return text && Number.isInteger(place) && place >= 0 && place < of ? place : null;
}

/** Scrolls a box, and nothing else, until the element is in its middle. */
function centre(box: Element, element: Element): void {
  const outer = box.getBoundingClientRect();
  const inner = element.getBoundingClientRect();
  if (inner.top < outer.top || inner.bottom > outer.bottom) box.scrollTop += inner.top - outer.top - outer.height / 2;
  if (inner.left < outer.left || inner.right > outer.right) box.scrollLeft += inner.left - outer.left - outer.width / 2;
}
