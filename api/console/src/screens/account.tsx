// Who uses this browser, what they may do, and where else they are signed in.
import { useState } from "preact/hooks";
import { call, type Schemas } from "../client.ts";
import { Confirm } from "../components/confirm.tsx";
import { Loaded } from "../components/loaded.tsx";
import { Problem } from "../components/problem.tsx";
import { Screen } from "../components/screen.tsx";
import { Ago } from "../components/time.tsx";
import { useData } from "../data.ts";
import { bytes, number } from "../format.ts";
import { signOut, type Me } from "../session.ts";

export function Account({ me }: { me: Me }) {
  const [error, setError] = useState<Error | null>(null);
  const off = me.authentication === "off";
  return (
    <Screen
      title="Account"
      side={!off && <button type="button" onClick={() => signOut().catch(setError)}>Sign out</button>}
    >
      {error && <Problem error={error} />}
      <dl class="facts-list card">
        <div><dt>Name</dt><dd dir="auto">{me.name}</dd></div>
        <div><dt>User</dt><dd><code>{me.userId}</code></dd></div>
        <div><dt>May</dt><dd>{off ? "everything: sign-in is off" : me.scopes.join(", ")}</dd></div>
        {me.expiresAt && <div><dt>Signed in until</dt><dd><Ago at={me.expiresAt} /></dd></div>}
        {me.limits && (
          <>
            <div><dt>Largest file</dt><dd>{bytes(me.limits.uploadBytesMax)}</dd></div>
            <div><dt>Pages of a document</dt><dd>at most {number(me.limits.pagesMax)}</dd></div>
            <div><dt>Documents at a time</dt><dd>{limit(me.limits.tasksActiveMax)}</dd></div>
            <div><dt>Uploads per minute</dt><dd>{limit(me.limits.uploadsPerMinute)}</dd></div>
          </>
        )}
      </dl>
      {!off && <Sessions />}
    </Screen>
  );
}

function limit(value: number | null): string {
  return value === null ? "no limit" : `at most ${number(value)}`;
}

function Sessions() {
  const data = useData("sessions", (signal) => call<Schemas["Sessions"]>("api/sessions", { signal }));
  const [asked, setAsked] = useState<string | null>(null);
  return (
    <section>
      <h2 class="section-head">Where you are signed in</h2>
      <Loaded data={data}>
        {({ sessions }) => (
          <div class="table-box" tabIndex={0} role="region" aria-label="Sessions">
            <table>
              <caption class="unseen">Sessions</caption>
              <thead><tr><th scope="col">Begun</th><th scope="col">Last seen</th><th scope="col">Ends</th><th scope="col"><span class="unseen">Acts</span></th></tr></thead>
              <tbody>
                {sessions.map((one) => (
                  <tr key={one.id}>
                    <th scope="row"><Ago at={one.createdAt} />{one.current && <span class="tag">this one</span>}</th>
                    <td><Ago at={one.lastSeenAt} /></td>
                    <td><Ago at={one.expiresAt} /></td>
                    <td class="acts">{!one.current && <button type="button" class="quiet" onClick={() => setAsked(one.id)}>End…</button>}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Loaded>
      {asked && (
        <Confirm title="End this session?" act="End" danger onAct={async () => { await call(`api/sessions/${asked}`, { method: "DELETE" }); data.reload(); }} onClose={() => setAsked(null)}>
          <p>That browser is signed out.</p>
        </Confirm>
      )}
    </section>
  );
}
