// Puts a text on the clipboard. Over plain http there is none, so the text is shown to take.
import { useState } from "preact/hooks";
import { announce } from "../announce.ts";
import { Dialog } from "./dialog.tsx";
import { Icon } from "./icon.tsx";

export function CopyButton({ text, children, kind }: { text: () => string; children: string; kind?: string }) {
  const [done, setDone] = useState(false);
  const [shown, setShown] = useState<string | null>(null);
  const copy = async () => {
    const value = text();
    try {
      await navigator.clipboard.writeText(value);
      setDone(true);
      announce("Copied.");
      setTimeout(() => setDone(false), 2000);
    } catch {
      setShown(value);
    }
  };
  return (
    <>
      <button type="button" class={kind} onClick={() => void copy()}><Icon name={done ? "check" : "copy"} /> {done ? "Copied" : children}</button>
      {shown !== null && (
        <Dialog title="Copy" onClose={() => setShown(null)} wide>
          <p class="hint">The browser lets no page copy over an insecure connection. The text is selected: press Ctrl+C.</p>
          <textarea class="copy-text" readOnly rows={12} value={shown} ref={(field) => field?.select()} aria-label="Text to copy" />
          <div class="buttons end"><button type="button" class="primary" onClick={() => setShown(null)}>Close</button></div>
        </Dialog>
      )}
    </>
  );
}
