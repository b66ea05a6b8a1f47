// The field to search in a document, and the way from match to match.
import { useEffect, useRef, useState } from "preact/hooks";
import { Icon } from "../components/icon.tsx";
import { count, number } from "../format.ts";
import { useKeys } from "../keys.ts";
import type { Search } from "./search.ts";

interface Props {
  search: Search;
  /** The place of the match that is shown, from 0. */
  at: number | null;
  onSearch: (q: string) => void;
  onStep: (by: number) => void;
}

const PAUSE_MS = 300;

export function SearchBar({ search, at, onSearch, onStep }: Props) {
  const [text, setText] = useState(search.q);
  const field = useRef<HTMLInputElement>(null);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useKeys({ "/": () => field.current?.select() });
  useEffect(() => {
    if (document.activeElement !== field.current) setText(search.q);
  }, [search.q]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const { matches } = search;
  const begin = (q: string) => {
    clearTimeout(timer.current);
    onSearch(q.trim());
  };
  return (
    <form
      class="search-bar"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        if (text.trim() !== search.q) begin(text);
        else onStep(1);
      }}
    >
      <label class="search">
        <span class="unseen">Search in this document</span>
        <Icon name="search" />
        <input
          ref={field}
          type="search"
          value={text}
          maxLength={200}
          placeholder="Search in this document"
          onInput={(event) => {
            const next = event.currentTarget.value;
            setText(next);
            clearTimeout(timer.current);
            timer.current = setTimeout(() => begin(next), PAUSE_MS);
          }}
        />
      </label>
      {search.q && (
        <>
          <span class="small num" role="status">
            {search.busy ? "Searching…" : search.error ? search.error.message : !matches.length ? "No match" : at === null ? `${search.more ? "more than " : ""}${count(matches.length, "match", "matches")}` : `${number(at + 1)} of ${search.more ? "more than " : ""}${number(matches.length)}`}
          </span>
          <button type="button" class="quiet icon-only" aria-label="Previous match" disabled={!matches.length} onClick={() => onStep(-1)}><Icon name="left" /></button>
          <button type="button" class="quiet icon-only" aria-label="Next match" disabled={!matches.length} onClick={() => onStep(1)}><Icon name="right" /></button>
          {search.more && <button type="button" class="quiet" onClick={search.more}>Search on</button>}
        </>
      )}
    </form>
  );
}
