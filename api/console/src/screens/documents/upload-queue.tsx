// Files on their way to the server.
import { useCell } from "../../cell.ts";
import { Refused, Unreachable } from "../../client.ts";
import { outage } from "../../connection.ts";
import { Icon } from "../../components/icon.tsx";
import { bytes, count, percent } from "../../format.ts";
import { clearSettled, queue, remove, tryAgain, type Item } from "../../uploads.ts";
import { advice } from "../../words.ts";

/** Rows that are shown; the rest is counted. */
const SHOWN_MAX = 50;

export function UploadQueue() {
  const items = useCell(queue);
  // What was sent is in the list of documents.
  const open = items.filter((item) => item.state !== "sent");
  if (!open.length) return null;
  const sent = items.filter((item) => item.state === "sent").length;
  const failed = items.filter((item) => item.state === "failed").length;
  // What needs a person comes first, then what moves.
  const order = ["failed", "sending", "later", "waiting"];
  const shown = open.sort((one, other) => order.indexOf(one.state) - order.indexOf(other.state)).slice(0, SHOWN_MAX);
  return (
    <section class="card queue" aria-labelledby="queue-name">
      <div class="queue-head">
        <h2 id="queue-name">Uploads</h2>
        <p class="soft">{sent} of {count(items.length, "file")} sent{failed ? `, ${failed} refused` : ""}</p>
        {failed > 0 && <button type="button" onClick={clearSettled}>Clear the refused ones</button>}
      </div>
      <ul>
        {shown.map((item) => <Row key={item.id} item={item} />)}
      </ul>
      {open.length > SHOWN_MAX && <p class="hint">and {count(open.length - SHOWN_MAX, "other file")}</p>}
    </section>
  );
}

function Row({ item }: { item: Item }) {
  const lost = useCell(outage);
  const part = item.size ? item.sent / item.size : 0;
  return (
    <li class={`queue-row ${item.state}`}>
      <span class="queue-name" dir="auto" title={item.name}>{item.name}</span>
      <span class="soft num">{bytes(item.size)}</span>
      <span class="queue-state">
        {item.state === "sending" && (part < 1 ? percent(part) : "being checked…")}
        {item.state === "waiting" && (lost || item.error instanceof Unreachable ? "goes on when the server answers" : "waits")}
        {item.state === "later" && "the server is busy; tried again shortly"}
        {item.state === "failed" && "refused"}
      </span>
      <span class="queue-acts">
        {item.state === "failed" && <button type="button" class="quiet" onClick={() => tryAgain(item.id)}>Try again</button>}
        <button type="button" class="quiet icon-only" aria-label={`Do not send: ${item.name.slice(0, 80)}`} onClick={() => remove(item.id)}>
          <Icon name="cross" />
        </button>
      </span>
      {item.state === "sending" && <progress aria-label={`Sending ${item.name}`} max={1} value={part} />}
      {item.state === "failed" && <Why error={item.error} />}
    </li>
  );
}

function Why({ error }: { error: Error | null }) {
  if (!error) return null;
  const code = error instanceof Refused ? error.code : null;
  return (
    <p class="queue-why" role="alert">
      {code && <code>{code}</code>} {error.message}{code && advice(code) ? `. ${advice(code)}` : ""}
    </p>
  );
}
