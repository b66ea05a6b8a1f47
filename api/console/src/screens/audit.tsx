// What operators did, the latest first.
import { useState } from "preact/hooks";
import { audit, type Audit } from "../admin.ts";
import { Fresh } from "../components/fresh.tsx";
import { Loaded } from "../components/loaded.tsx";
import { Problem } from "../components/problem.tsx";
import { Screen } from "../components/screen.tsx";
import { Ago } from "../components/time.tsx";
import { useData } from "../data.ts";
import { actWord } from "./operators/act-word.ts";

type Entry = Audit["audit"][number];
const LIMIT = 100;

export function AuditScreen() {
  const data = useData("audit", (signal) => audit(signal, { limit: LIMIT }), 10_000);
  const [older, setOlder] = useState<Entry[]>([]);
  const [error, setError] = useState<Error | null>(null);
  const [end, setEnd] = useState(false);
  const head = data.value?.audit ?? [];
  const first = head.at(-1)?.position ?? Infinity;
  // New entries push others out of the first part: what was shown stays shown.
  const all = [...head, ...older.filter((entry) => entry.position < first)];
  const more = async () => {
    const last = all.at(-1);
    if (!last) return;
    try {
      const found = await audit(new AbortController().signal, { limit: LIMIT, before: last.position });
      setOlder([...all, ...found.audit]);
      setEnd(found.audit.length < LIMIT);
      setError(null);
    } catch (failure) {
      setError(failure as Error);
    }
  };
  return (
    <Screen title="Audit" side={<Fresh data={data} />}>
      <Loaded data={data}>
        {() => all.length === 0
          ? <p class="nothing">No operator has done anything yet.</p>
          : (
            <>
              <div class="table-box" tabIndex={0} role="region" aria-label="Audit log">
                <table>
                  <caption class="unseen">What operators did</caption>
                  <thead><tr><th scope="col">When</th><th scope="col">What</th><th scope="col">On</th><th scope="col">Who</th><th scope="col">Details</th></tr></thead>
                  <tbody>
                    {all.map((entry) => (
                      <tr key={entry.position}>
                        <td><Ago at={entry.at} /></td>
                        <th scope="row">{actWord(entry.action)}</th>
                        <td><code>{entry.subject}</code></td>
                        <td>{entry.actor}</td>
                        <td>{entry.detail && <code class="clamp">{JSON.stringify(entry.detail)}</code>}</td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
              {error && <Problem error={error} />}
              {all.length >= LIMIT && !end && <p class="list-foot"><button type="button" onClick={() => void more()}>Show older</button></p>}
            </>
          )}
      </Loaded>
    </Screen>
  );
}
