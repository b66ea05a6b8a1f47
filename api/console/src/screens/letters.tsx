// Dead letters by cause, then one by one, and what can be done with all that match.
import { useState } from "preact/hooks";
import { groups, letters, type Group, type Letter } from "../admin.ts";
import { Fresh } from "../components/fresh.tsx";
import { Icon } from "../components/icon.tsx";
import { Loaded } from "../components/loaded.tsx";
import { Pager } from "../components/pager.tsx";
import { Screen } from "../components/screen.tsx";
import { State } from "../components/state.tsx";
import { Ago } from "../components/time.tsx";
import { useData } from "../data.ts";
import { count, number } from "../format.ts";
import { filterWord, hasFilters, LETTER_FILTERS, letterFilters, letterQuery, type LetterFilters } from "../letters.ts";
import { refine, to } from "../router.ts";
import { AddFilter } from "./letters/add-filter.tsx";
import { SettleMany } from "./letters/settle-many.tsx";
import { TaskLink } from "./operators/task-link.tsx";

const GROUPS_MAX = 50;
const LIMIT = 50;

export function Letters({ query }: { query: Record<string, string> }) {
  const filters = letterFilters(query);
  const key = JSON.stringify(filters);
  const offset = Number(query.offset) || 0;
  const causes = useData(`groups/${key}`, (signal) => groups(signal, { ...letterQuery(filters), limit: GROUPS_MAX }), 10_000);
  const list = useData(`letters/${key}/${offset}`, (signal) => letters(signal, { ...letterQuery(filters), limit: LIMIT, offset }), 10_000);
  const [act, setAct] = useState<"redrive" | "discard" | null>(null);
  const total = list.value?.pagination.total ?? 0;
  const settles = filters.state === "waiting" && total > 0;
  const reload = () => {
    causes.reload();
    list.reload();
  };
  return (
    <Screen
      title="Dead letters"
      side={<><a class="button" href={to("redrives")}>Redrives</a><Fresh data={list} /></>}
    >
      <FilterLine filters={filters} />
      {settles && (
        <div class="buttons acts-line">
          <button type="button" class="primary" onClick={() => setAct("redrive")}>Redrive {hasFilters(filters) ? `the ${number(total)} that match` : `all ${number(total)}`}…</button>
          <button type="button" class="danger" onClick={() => setAct("discard")}>Discard {hasFilters(filters) ? `the ${number(total)} that match` : `all ${number(total)}`}…</button>
        </div>
      )}
      <Loaded data={causes}>
        {(found) => found.groups.length === 0 ? <p class="nothing">No dead letter matches.</p> : <Causes groups={found.groups} more={found.hasMore} />}
      </Loaded>
      <Loaded data={list}>
        {(found) => found.deadLetters.length > 0 && (
          <section>
            <h2 class="section-head">One by one, newest first</h2>
            <LetterTable letters={found.deadLetters} />
            <Pager pagination={found.pagination} shown={found.deadLetters.length} />
          </section>
        )}
      </Loaded>
      {act && <SettleMany act={act} filters={filters} onDone={reload} onClose={() => setAct(null)} />}
    </Screen>
  );
}

function FilterLine({ filters }: { filters: LetterFilters }) {
  const state = filters.state ?? "all";
  return (
    <div class="filter-line">
      <label class="inline">
        <span>Dead letters</span>
        <select value={state} aria-label="State" onChange={(event) => refine({ state: event.currentTarget.value, offset: "" })}>
          <option value="waiting">that wait</option>
          <option value="redriven">that were redriven</option>
          <option value="discarded">that were discarded</option>
          <option value="all">in any state</option>
        </select>
      </label>
      {LETTER_FILTERS.filter((name) => name !== "state" && filters[name]).map((name) => (
        <button key={name} type="button" class="filter-chip" title={filters[name]} onClick={() => refine({ [name]: "", offset: "" })}>
          {filterWord(name, filters[name]!)} <Icon name="cross" /><span class="unseen">: remove this filter</span>
        </button>
      ))}
      <AddFilter />
    </div>
  );
}

function Causes({ groups: found, more }: { groups: Group[]; more: boolean }) {
  const largest = Math.max(...found.map((group) => group.count));
  return (
    <section>
      <h2 class="section-head">{more ? `The ${GROUPS_MAX} largest causes` : count(found.length, "cause")}</h2>
      <div class="table-box" tabIndex={0} role="region" aria-label="Causes">
        <table class="causes-table">
          <caption class="unseen">Causes of dead letters</caption>
          <thead><tr><th scope="col" class="num">Letters</th><th scope="col">Cause</th><th scope="col">Step</th><th scope="col">Engine</th><th scope="col" class="num">Tenants</th><th scope="col">First</th><th scope="col">Last</th></tr></thead>
          <tbody>
            {[...found].sort((one, other) => other.count - one.count).map((group) => (
              <tr key={`${group.fingerprint}${group.step}${group.digest}${group.workflow}`}>
                <td class="num">
                  <strong>{number(group.count)}</strong>
                  <meter class="share" min={0} max={largest} value={group.count} aria-hidden="true" />
                </td>
                <th scope="row">
                  <a href={to("letters", { ...causeQuery(group), state: "" })}><code>{group.code}</code></a>
                  <p class="clamp soft" dir="auto">{group.message}</p>
                </th>
                <td>{group.workflow}/{group.step}</td>
                <td>{group.digest ? <code title={group.digest}>{group.digest.slice(0, 12)}</code> : <span class="soft">none</span>}</td>
                <td class="num">{number(group.tenants)}</td>
                <td><Ago at={group.firstAt} /></td>
                <td><Ago at={group.lastAt} /></td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function causeQuery(group: Group): Record<string, string | null> {
  return { workflow: group.workflow, code: group.code, step: group.step, fingerprint: group.fingerprint, digest: group.digest };
}

const STATES: Record<string, string> = { waiting: "Waiting", redriven: "Redriven", discarded: "Discarded" };

function LetterTable({ letters: found }: { letters: Letter[] }) {
  return (
    <div class="table-box" tabIndex={0} role="region" aria-label="Dead letters">
      <table>
        <caption class="unseen">Dead letters</caption>
        <thead><tr><th scope="col">When</th><th scope="col">Cause</th><th scope="col">Where</th><th scope="col">State</th><th scope="col">Task</th></tr></thead>
        <tbody>
          {found.map((letter) => (
            <tr key={letter.id}>
              <td><a href={to(["letters", letter.id])}><Ago at={letter.at} /></a></td>
              <th scope="row"><code>{letter.code}</code> <p class="clamp soft" dir="auto">{letter.message}</p></th>
              <td>{letter.workflow}/{letter.step}{letter.page !== null && <span class="soft">, page {letter.page}</span>}</td>
              <td><State status={letter.state} word={STATES[letter.state] ?? letter.state} /></td>
              <td><TaskLink id={letter.taskId} workflow={letter.workflow} /></td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
