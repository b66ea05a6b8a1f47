// API keys: made, shown once, revoked.
import { useState } from "preact/hooks";
import { createKey, keys, revokeKey, type Keys } from "../admin.ts";
import type { Schemas } from "../client.ts";
import { Confirm } from "../components/confirm.tsx";
import { CopyButton } from "../components/copy.tsx";
import { Dialog } from "../components/dialog.tsx";
import { Fresh } from "../components/fresh.tsx";
import { Loaded } from "../components/loaded.tsx";
import { Pager } from "../components/pager.tsx";
import { Screen } from "../components/screen.tsx";
import { State } from "../components/state.tsx";
import { Ago } from "../components/time.tsx";
import { useData } from "../data.ts";
import { isUserId, randomId, type Scope } from "../session.ts";

type Key = Keys["keys"][number];

const STATES: Record<string, string> = { active: "Active", expired: "Expired", revoked: "Revoked" };

export function KeysScreen({ query }: { query: Record<string, string> }) {
  const offset = Number(query.offset) || 0;
  const data = useData(`keys/${offset}`, (signal) => keys(signal, { limit: 50, offset }), 10_000);
  const [asked, setAsked] = useState<"new" | Key | null>(null);
  const [made, setMade] = useState<Schemas["MadeKey"] | null>(null);
  return (
    <Screen title="API keys" side={<><button type="button" class="primary" onClick={() => setAsked("new")}>Create a key…</button><Fresh data={data} /></>}>
      <Loaded data={data}>
        {(found) => found.keys.length === 0
          ? <p class="nothing">There is no key yet.</p>
          : (
            <>
              <div class="table-box" tabIndex={0} role="region" aria-label="API keys">
                <table>
                  <caption class="unseen">API keys</caption>
                  <thead><tr><th scope="col">Name</th><th scope="col">State</th><th scope="col">Scopes</th><th scope="col">User</th><th scope="col">Last used</th><th scope="col">Ends</th><th scope="col">Made</th><th scope="col"><span class="unseen">Acts</span></th></tr></thead>
                  <tbody>
                    {found.keys.map((key) => (
                      <tr key={key.id}>
                        <th scope="row" dir="auto">{key.name || <span class="soft">without a name</span>}</th>
                        <td><State status={key.state} word={STATES[key.state] ?? key.state} /></td>
                        <td>{key.scopes.join(", ")}</td>
                        <td><code>{key.userId}</code></td>
                        <td>{key.lastUsedAt ? <Ago at={key.lastUsedAt} /> : <span class="soft">never</span>}</td>
                        <td>{key.expiresAt ? <Ago at={key.expiresAt} /> : <span class="soft">never</span>}</td>
                        <td><Ago at={key.createdAt} /> <span class="soft">by {key.createdBy}</span></td>
                        <td class="acts">{key.state === "active" && <button type="button" class="quiet" onClick={() => setAsked(key)}>Revoke…<span class="unseen"> {key.name}</span></button>}</td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
              <Pager pagination={found.pagination} shown={found.keys.length} />
            </>
          )}
      </Loaded>
      {asked === "new" && <NewKey onMade={(key) => { setMade(key); data.reload(); }} onClose={() => setAsked(null)} />}
      {asked && asked !== "new" && (
        <Confirm title={`Revoke the key “${asked.name}”?`} act="Revoke" danger onAct={async () => { await revokeKey(asked.id); data.reload(); }} onClose={() => setAsked(null)}>
          <p>Requests, sockets and sessions of it end within about two seconds, on every server. It can't be undone.</p>
        </Confirm>
      )}
      {made && (
        <Dialog title="The key, shown this once" firm onClose={() => setMade(null)}>
          <p>Only its hash is kept. Take it now.</p>
          <p class="secret"><code>{made.key}</code></p>
          <div class="buttons end">
            <CopyButton text={() => made.key}>Copy</CopyButton>
            <button type="button" class="primary" onClick={() => setMade(null)}>I have it</button>
          </div>
        </Dialog>
      )}
    </Screen>
  );
}

const SCOPES: [Scope, string][] = [
  ["submit", "upload, cancel, retry and erase documents"],
  ["read", "read documents, results and histories"],
  ["operate", "both for every user, and operate the server"],
  ["admin", "everything, and keys"],
];

/** How long keys are valid, in days. */
const DAYS = [30, 90, 365];

function NewKey({ onMade, onClose }: { onMade: (key: Schemas["MadeKey"]) => void; onClose: () => void }) {
  const [name, setName] = useState("");
  const [scopes, setScopes] = useState<Scope[]>(["submit", "read"]);
  const [days, setDays] = useState(90);
  const [user, setUser] = useState("");
  const wrong = user.trim() !== "" && !isUserId(user.trim());
  return (
    <Confirm
      title="Create a key"
      act="Create"
      onAct={async () => {
        if (wrong || !scopes.length) throw new Error(wrong ? "The user's id is not a UUID" : "Choose at least one scope");
        onMade(await createKey({
          name: name.trim(), scopes, ...(days ? { expiresIn: days * 86_400 } : {}), userId: user.trim() || randomId(),
        }));
      }}
      onClose={onClose}
    >
      <label class="field"><span>Name, such as where it is used</span><input required maxLength={200} value={name} onInput={(event) => setName(event.currentTarget.value)} /></label>
      <fieldset>
        <legend>What it may do</legend>
        {SCOPES.map(([scope, words]) => (
          <div key={scope}>
            <label class="check">
              <input type="checkbox" checked={scopes.includes(scope)} onChange={(event) => setScopes(event.currentTarget.checked ? [...scopes, scope] : scopes.filter((one) => one !== scope))} />
              <span><strong>{scope}</strong> <span class="soft">{words}</span></span>
            </label>
          </div>
        ))}
      </fieldset>
      <label class="field">
        <span>Valid for</span>
        <select value={days} onChange={(event) => setDays(Number(event.currentTarget.value))}>
          {DAYS.map((one) => <option key={one} value={one}>{one} days</option>)}
          <option value={0}>without an end</option>
        </select>
      </label>
      <label class="field">
        <span>Id of its user, empty for a new one</span>
        <input class="mono" value={user} aria-invalid={wrong} spellcheck={false} onInput={(event) => setUser(event.currentTarget.value)} />
      </label>
    </Confirm>
  );
}
