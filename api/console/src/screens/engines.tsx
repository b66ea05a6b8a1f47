// The engines: which version works, and the way back.
import { useState } from "preact/hooks";
import { activate, plugins, rollBack, type Plugins } from "../admin.ts";
import { Confirm } from "../components/confirm.tsx";
import { Fresh } from "../components/fresh.tsx";
import { Loaded } from "../components/loaded.tsx";
import { Screen } from "../components/screen.tsx";
import { State } from "../components/state.tsx";
import { useData } from "../data.ts";

type Plugin = Plugins["plugins"][number];
type Asked = { plugin: Plugin; digest: string } | { plugin: Plugin; digest: null };

export function EnginesScreen() {
  const data = useData("plugins", (signal) => plugins(signal), 10_000);
  const [asked, setAsked] = useState<Asked | null>(null);
  return (
    <Screen title="Engines" side={<Fresh data={data} />}>
      <Loaded data={data}>
        {(found) => (
          <div class="engines">
            {found.plugins.map((plugin) => <Engine key={plugin.name} plugin={plugin} onAsk={setAsked} />)}
          </div>
        )}
      </Loaded>
      <p class="hint under">Engines are installed with <code>untxt plugin install</code>; running servers use them at once. A task keeps the version that it began with.</p>
      {asked && (
        <Confirm
          title={asked.digest ? `Activate this version of ${asked.plugin.name}?` : `Go back to the previous version of ${asked.plugin.name}?`}
          act={asked.digest ? "Activate" : "Go back"}
          onAct={async () => {
            await (asked.digest ? activate(asked.plugin.name, asked.digest) : rollBack(asked.plugin.name));
            data.reload();
          }}
          onClose={() => setAsked(null)}
        >
          {asked.digest && <p><code>{asked.digest}</code></p>}
          <p>Tasks that begin from now on use it. Those that began keep their version.</p>
        </Confirm>
      )}
    </Screen>
  );
}

function Engine({ plugin, onAsk }: { plugin: Plugin; onAsk: (asked: Asked) => void }) {
  return (
    <section class="card">
      <div class="section-head">
        <h2>{plugin.name} <span class="soft">{plugin.version ?? ""}</span></h2>
        {plugin.builtIn && <span class="soft small">built in</span>}
        {plugin.versions.length > 1 && <button type="button" onClick={() => onAsk({ plugin, digest: null })}>Go back…</button>}
      </div>
      {plugin.error && <div class="problem"><div>{plugin.error}</div></div>}
      <ul class="versions">
        {plugin.versions.map((version) => (
          <li key={version.digest}>
            <code title={version.digest}>{version.digest.slice(0, 20)}</code>
            <State status={version.quarantined ? "failed" : version.active ? "active" : "expired"} word={version.quarantined ? "Quarantined" : version.active ? "Active" : "Kept"} />
            {version.signed && <span class="small soft">signed by {version.signed.key} {version.signed.comment}</span>}
            {version.quarantined && <span class="small">{version.quarantined}</span>}
            {!version.active && !version.quarantined && <button type="button" class="quiet" onClick={() => onAsk({ plugin, digest: version.digest })}>Activate…</button>}
          </li>
        ))}
      </ul>
    </section>
  );
}
