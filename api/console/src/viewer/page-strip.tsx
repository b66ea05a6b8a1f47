// All pages of the document, with a small picture and the state of each.
import { memo } from "preact/compat";
import { useEffect, useRef } from "preact/hooks";
import { Icon } from "../components/icon.tsx";
import { pageWord, tone } from "../words.ts";
import type { PageState } from "../use-document.ts";

interface Props {
  pages: PageState[];
  page: number;
  /** Pages with matches of the search. */
  found: Set<number>;
  href: (page: number) => string;
  image: (page: number) => string;
}

export function PageStrip({ pages, page, found, href, image }: Props) {
  const strip = useRef<HTMLElement>(null);
  useEffect(() => {
    const here = strip.current?.querySelector("[aria-current]");
    if (!(here instanceof HTMLElement) || !strip.current) return;
    // Scrolls the strip alone: `scrollIntoView` moves the whole page too.
    const box = strip.current.getBoundingClientRect();
    const item = here.getBoundingClientRect();
    if (item.top < box.top || item.bottom > box.bottom) strip.current.scrollTop += item.top - box.top - box.height / 2 + item.height / 2;
    if (item.left < box.left || item.right > box.right) strip.current.scrollLeft += item.left - box.left - box.width / 2 + item.width / 2;
  }, [page, pages.length]);
  return (
    <nav class="strip" aria-label="Pages" ref={strip}>
      <ol>
        {pages.map((one) => (
          <Thumb key={one.page} state={one} here={one.page === page} found={found.has(one.page)} href={href(one.page)} image={image(one.page)} />
        ))}
      </ol>
    </nav>
  );
}

interface ThumbProps {
  state: PageState;
  here: boolean;
  found: boolean;
  href: string;
  image: string;
}

const Thumb = memo(function Thumb({ state, here, found, href, image }: ThumbProps) {
  const ratio = state.width && state.height ? `${state.width} / ${state.height}` : "210 / 297";
  return (
    <li class={`thumb ${tone(state.status)}`}>
      <a href={href} aria-current={here ? "page" : undefined}>
        <span class="thumb-picture" style={{ aspectRatio: ratio }}>
          <img src={image} alt="" loading="lazy" decoding="async" />
        </span>
        <span class="thumb-name">
          <span class="unseen">Page </span>{state.page}
          {state.status !== "completed" && (
            <span class={`state ${tone(state.status)}`} title={pageWord(state.status)}>
              <Icon name={state.status === "failed" ? "cross" : state.status === "processing" ? "run" : state.status === "retrying" ? "half" : state.status === "cancelled" ? "minus" : "clock"} />
              <span class="unseen">{pageWord(state.status)}</span>
            </span>
          )}
          {found && <span class="thumb-found"><Icon name="search" /><span class="unseen">has matches</span></span>}
        </span>
      </a>
    </li>
  );
});
