// What of the list is shown: by status, by name, by engine. It stands in the address.
import { useEffect, useRef, useState } from "preact/hooks";
import { Icon } from "../../components/icon.tsx";
import { number } from "../../format.ts";
import { useKeys } from "../../keys.ts";
import { refine } from "../../router.ts";
import type { Filters } from "../../tasks.ts";
import { STATUSES, taskWord, type TaskStatus } from "../../words.ts";

/** Counts beyond this are not exact. */
const COUNT_MAX = 10_000;
/** A pause in typing that ends a word. */
const PAUSE_MS = 250;

export function FilterBar({ filters, counts }: { filters: Filters; counts: Record<string, number> | null }) {
  const toggle = (status: TaskStatus) => {
    const status_ = STATUSES.filter((one) => (one === status ? !filters.status.includes(one) : filters.status.includes(one)));
    refine({ status: status_.join(",") });
  };
  const shown = STATUSES.filter((status) => !counts || counts[status] || filters.status.includes(status));
  return (
    <div class="filters">
      <div class="chips" role="group" aria-label="Show only">
        <button type="button" aria-pressed={!filters.status.length} onClick={() => refine({ status: "" })}>All</button>
        {shown.map((status) => (
          <button key={status} type="button" aria-pressed={filters.status.includes(status)} onClick={() => toggle(status)}>
            {taskWord(status)}
            {counts && <span class="chip-count num">{amount(counts[status] ?? 0)}</span>}
          </button>
        ))}
      </div>
      <NameSearch q={filters.q} />
      {filters.engine && (
        <button type="button" onClick={() => refine({ engine: "" })}>Engine {filters.engine} <Icon name="cross" /><span class="unseen">: show all engines</span></button>
      )}
    </div>
  );
}

function amount(count: number): string {
  return count >= COUNT_MAX ? `${number(COUNT_MAX)}+` : number(count);
}

function NameSearch({ q }: { q: string }) {
  const [text, setText] = useState(q);
  const field = useRef<HTMLInputElement>(null);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useKeys({ "/": () => field.current?.focus() });
  // The way back changes the address under the field.
  useEffect(() => {
    if (document.activeElement !== field.current) setText(q);
  }, [q]);
  useEffect(() => () => clearTimeout(timer.current), []);
  return (
    <label class="search">
      <span class="unseen">Search by name</span>
      <Icon name="search" />
      <input
        ref={field}
        type="search"
        value={text}
        placeholder="Search by name"
        onInput={(event) => {
          const next = event.currentTarget.value;
          setText(next);
          clearTimeout(timer.current);
          timer.current = setTimeout(() => refine({ q: next.trim() }), PAUSE_MS);
        }}
      />
    </label>
  );
}
