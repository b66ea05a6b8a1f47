// Where documents come in: dropped anywhere on the page, chosen, or fetched from an address.
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { call, Refused } from "../../client.ts";
import { Dialog } from "../../components/dialog.tsx";
import { Icon } from "../../components/icon.tsx";
import { Problem } from "../../components/problem.tsx";
import { fromDrop, fromList, type Dropped } from "../../drop.ts";
import { useEngines } from "../../engines.ts";
import { count } from "../../format.ts";
import { useKeys } from "../../keys.ts";
import { lastOptions, rememberOptions, wishes, type Options } from "../../options.ts";
import { randomId, userQuery } from "../../session.ts";
import { enqueue, onSent, QUEUE_MAX } from "../../uploads.ts";
import { OptionsForm } from "./options-form.tsx";

const TYPES = ".pdf,.png,.jpg,.jpeg,.webp,.tif,.tiff,.heic,.heif,.avif";

export function Add({ large }: { large: boolean }) {
  const [options, setOptions] = useState(lastOptions);
  const [over, setOver] = useState(false);
  const [left, setLeft] = useState<Left | null>(null);
  const [fromUrl, setFromUrl] = useState(false);
  const engines = useEngines();
  const files = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  const now = useRef(options);
  now.current = options;

  const change = (next: Options) => {
    setOptions(next);
    rememberOptions(next);
  };
  const take = ({ found, unread, more }: Dropped) => {
    const noRoom = found.length ? enqueue(found, now.current) : 0;
    setLeft(noRoom || unread.length || more ? { noRoom, unread, more } : null);
  };
  const chosen = (event: Event & { currentTarget: HTMLInputElement }) => {
    if (event.currentTarget.files) take({ found: fromList(event.currentTarget.files), unread: [], more: false });
    event.currentTarget.value = "";
  };
  useKeys({ u: () => files.current?.click() });

  useLayoutEffect(() => {
    // Entering a part of the page leaves another: only the window's edge counts.
    const isFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
    const dragged = (event: DragEvent) => {
      if (!isFiles(event)) return;
      event.preventDefault();
      setOver(true);
    };
    const gone = (event: DragEvent) => {
      if (!event.relatedTarget) setOver(false);
    };
    const dropped = (event: DragEvent) => {
      if (!isFiles(event)) return;
      event.preventDefault();
      setOver(false);
      void fromDrop(event.dataTransfer!).then(take);
    };
    document.addEventListener("dragenter", dragged);
    document.addEventListener("dragover", dragged);
    document.addEventListener("dragleave", gone);
    document.addEventListener("drop", dropped);
    return () => {
      document.removeEventListener("dragenter", dragged);
      document.removeEventListener("dragover", dragged);
      document.removeEventListener("dragleave", gone);
      document.removeEventListener("drop", dropped);
    };
  }, []);

  return (
    <section class={`add ${large ? "large" : ""} ${over ? "over" : ""}`} aria-label="Add documents">
      <div class="add-head">
        <Icon name="upload" />
        <p class="add-words">
          <strong>{over ? "Drop to upload" : "Drop documents anywhere on this page"}</strong>
          <span class="soft">PDF, PNG, JPEG, WebP, TIFF, HEIC or AVIF</span>
        </p>
        <div class="buttons">
          <button type="button" class="primary" onClick={() => files.current?.click()}>Choose files</button>
          <button type="button" onClick={() => folder.current?.click()}>Choose a folder</button>
          <button type="button" onClick={() => setFromUrl(true)}>From an address</button>
        </div>
        <input ref={files} class="files" type="file" multiple hidden accept={TYPES} aria-label="Files to upload" onChange={chosen} />
        <input ref={folder} type="file" hidden aria-label="Folder to upload" {...{ webkitdirectory: true }} onChange={chosen} />
      </div>
      <details class="add-options">
        <summary>Options: {summary(options)}</summary>
        <OptionsForm options={options} engines={engines.value} onChange={change} />
      </details>
      {left && <NotAdded left={left} />}
      {fromUrl && <FromUrl options={options} onClose={() => setFromUrl(false)} />}
    </section>
  );
}

interface Left {
  noRoom: number;
  unread: string[];
  more: boolean;
}

/** What of a drop did not get into the queue. */
function NotAdded({ left: { noRoom, unread, more } }: { left: Left }) {
  return (
    <div class="notice" role="alert">
      {noRoom > 0 && <p>{more ? "More than " : ""}{count(noRoom, "file")} not added: the queue holds {QUEUE_MAX}. Add them when others are sent.</p>}
      {noRoom === 0 && more && <p>Not all files of the folder were added: it holds too many for one drop.</p>}
      {unread.length > 0 && <p>Not added, because they can't be read: <bdi>{unread.slice(0, 5).join(", ")}</bdi>{unread.length > 5 && ` and ${count(unread.length - 5, "other")}`}.</p>}
    </div>
  );
}

function summary(options: Options): string {
  const parts = [options.engine || "the server's engine"];
  if (options.pages.trim()) parts.push(`pages ${options.pages.trim()}`);
  if (options.languages.length) parts.push(options.languages.join(", "));
  parts.push(options.formats.join(", "));
  return parts.join(" · ");
}

function FromUrl({ options, onClose }: { options: Options; onClose: () => void }) {
  const [url, setUrl] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const key = useRef(randomId());
  const submit = async (event: Event) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setError(null);
    try {
      await call("api/tasks", {
        method: "POST",
        json: { ...userQuery(), ...wishes(options), url: url.trim() },
        headers: { "idempotency-key": key.current },
      });
      onSent.tell();
      onClose();
    } catch (failure) {
      // What was refused made nothing. A request whose answer was lost may have: its key stays.
      if (failure instanceof Refused) key.current = randomId();
      setError(failure as Error);
      setBusy(false);
    }
  };
  return (
    <Dialog title="Fetch a document" onClose={onClose}>
      <form onSubmit={submit}>
        <label class="field">
          <span>Address of the document</span>
          <input type="url" required value={url} placeholder="https://example.com/invoice.pdf" onInput={(event) => {
            setUrl(event.currentTarget.value);
            // Another address is another request.
            key.current = randomId();
          }} />
        </label>
        <p class="hint">The server fetches it, and calls public addresses over https unless an operator lists others.</p>
        {error && <Problem error={error} />}
        <div class="buttons end">
          <button type="button" onClick={onClose}>Close</button>
          <button type="submit" class="primary" aria-disabled={busy}>Fetch</button>
        </div>
      </form>
    </Dialog>
  );
}
