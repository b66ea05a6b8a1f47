// Bulk redrives and discards, newest first.
import { redrives, type Redrive } from "../admin.ts";
import { Fresh } from "../components/fresh.tsx";
import { Loaded } from "../components/loaded.tsx";
import { Pager } from "../components/pager.tsx";
import { Screen } from "../components/screen.tsx";
import { State } from "../components/state.tsx";
import { Ago } from "../components/time.tsx";
import { useData } from "../data.ts";
import { number } from "../format.ts";
import { filterWords } from "../letters.ts";
import { to } from "../router.ts";
import { taskWord } from "../words.ts";

export function redriveWord(redrive: Redrive): string {
  return redrive.action === "discard" ? "Discard" : "Redrive";
}

export function Redrives({ query }: { query: Record<string, string> }) {
  const offset = Number(query.offset) || 0;
  const data = useData(`redrives/${offset}`, (signal) => redrives(signal, { limit: 50, offset }), 5_000);
  return (
    <Screen title="Redrives" side={<Fresh data={data} />}>
      <p class="doc-line"><a href={to("letters")}>Dead letters</a></p>
      <Loaded data={data}>
        {(found) => found.redrives.length === 0
          ? <p class="nothing">No dead letters were redriven or discarded in bulk yet.</p>
          : (
            <>
              <div class="table-box" tabIndex={0} role="region" aria-label="Redrives">
                <table>
                  <caption class="unseen">Redrives</caption>
                  <thead><tr><th scope="col">Begun</th><th scope="col">What</th><th scope="col">State</th><th scope="col" class="num">Settled</th><th scope="col" class="num">Waiting</th><th scope="col">By</th></tr></thead>
                  <tbody>
                    {found.redrives.map((one) => (
                      <tr key={one.id}>
                        <td><a href={to(["redrives", one.id])}><Ago at={one.createdAt} /></a></td>
                        <th scope="row">{redriveWord(one)} <span class="soft">letters {filterWords(one.filter as Record<string, string>)}</span></th>
                        <td><State status={one.status} word={taskWord(one.status)} /></td>
                        <td class="num">{number(one.settled)} of {number(one.total)}</td>
                        <td class="num">{number(one.waiting)}</td>
                        <td>{one.by}</td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
              <Pager pagination={found.pagination} shown={found.redrives.length} />
            </>
          )}
      </Loaded>
    </Screen>
  );
}
