// The switches above a page.
import { Icon } from "../components/icon.tsx";
import { number, percent } from "../format.ts";
import { look, type View } from "./view.ts";

interface Props {
  view: View;
  page: number;
  last: number;
  onPage: (page: number) => void;
  onZoom: (by: number) => void;
  /** Whether the words have a confidence that says something. */
  confidence: string | null;
  doubtfulCount: number;
  onDoubtful: (by: number) => void;
}

export function Toolbar({ view, page, last, onPage, onZoom, confidence, doubtfulCount, onDoubtful }: Props) {
  return (
    <div class="toolbar" role="toolbar" aria-label="Page">
      <div class="buttons">
        <button type="button" class="quiet icon-only" aria-label="Previous page" disabled={page <= 1} onClick={() => onPage(page - 1)}><Icon name="left" /></button>
        <label class="page-field">
          <span class="unseen">Page</span>
          <input
            class="num"
            inputMode="numeric"
            value={page}
            size={4}
            onChange={(event) => {
              const wanted = Number(event.currentTarget.value);
              if (Number.isInteger(wanted) && wanted >= 1 && wanted <= last) onPage(wanted);
              else event.currentTarget.value = String(page);
            }}
          />
        </label>
        <span class="soft small num">of {number(last)}</span>
        <button type="button" class="quiet icon-only" aria-label="Next page" disabled={page >= last} onClick={() => onPage(page + 1)}><Icon name="right" /></button>
      </div>
      <div class="buttons">
        <button type="button" class="quiet icon-only" aria-label="Smaller" onClick={() => onZoom(1 / 1.25)}><Icon name="minus" /></button>
        <button type="button" class="quiet icon-only" aria-label="Larger" onClick={() => onZoom(1.25)}><Icon name="plus" /></button>
        <button type="button" class="quiet" aria-pressed={view.zoom === "width"} onClick={() => look({ zoom: "width" })}>Width</button>
        <button type="button" class="quiet" aria-pressed={view.zoom === "page"} onClick={() => look({ zoom: "page" })}>Whole page</button>
      </div>
      <div class="buttons">
        <button type="button" class="quiet" aria-pressed={view.boxes} onClick={() => look({ boxes: !view.boxes })}><Icon name="boxes" /> Boxes</button>
        <button type="button" class="quiet" aria-pressed={view.text} onClick={() => look({ text: !view.text })}><Icon name="text" /> Text</button>
        {confidence && (
          <button type="button" class="quiet" aria-pressed={view.doubtful} onClick={() => look({ doubtful: !view.doubtful })}>Doubtful words</button>
        )}
      </div>
      {confidence && view.doubtful && (
        <div class="buttons doubt-tools">
          <label class="small">
            below <output class="num">{percent(view.below)}</output>{" "}
            <input type="range" min={0.05} max={0.99} step={0.01} value={view.below} aria-label="Words are doubtful below this confidence" onInput={(event) => look({ below: Number(event.currentTarget.value) })} />
          </label>
          <span class="soft small">{doubtfulCount} on this page</span>
          <button type="button" class="quiet icon-only" aria-label="Previous doubtful word" disabled={!doubtfulCount} onClick={() => onDoubtful(-1)}><Icon name="left" /></button>
          <button type="button" class="quiet icon-only" aria-label="Next doubtful word" disabled={!doubtfulCount} onClick={() => onDoubtful(1)}><Icon name="right" /></button>
          <span class="hint">{confidence}</span>
        </div>
      )}
    </div>
  );
}

/** What kind of figure the confidence is. */
export function confidenceWords(kind: string | undefined): string | null {
  switch (kind) {
    case "calibrated": return "Calibrated: of words with 90 %, about 9 in 10 are right.";
    case "logprob": return "From the model's probabilities; not measured against real pages.";
    case "uncalibrated": return "The engine's own figure; not measured against real pages.";
    default: return null;
  }
}
