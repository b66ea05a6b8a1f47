// Asks before something is done, and says what it will do.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Dialog } from "./dialog.tsx";
import { Problem } from "./problem.tsx";

interface Props {
  title: string;
  children: ComponentChildren;
  /** What the button says: the act itself. */
  act: string;
  danger?: boolean;
  /** A text that has to be typed first, such as the number of what is changed. */
  typed?: string;
  /** Does it. The dialog closes afterwards unless this says `stay`. */
  onAct: () => Promise<"stay" | void>;
  onClose: () => void;
}

export function Confirm({ title, children, act, danger, typed, onAct, onClose }: Props) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const [text, setText] = useState("");
  const ready = !busy && (typed === undefined || text.trim() === typed);
  const submit = async (event: Event) => {
    event.preventDefault();
    if (!ready) return;
    setBusy(true);
    setError(null);
    try {
      if ((await onAct()) !== "stay") onClose();
    } catch (failure) {
      setError(failure as Error);
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form onSubmit={submit}>
        {children}
        {typed !== undefined && (
          <label class="field">
            <span>Type {typed} to confirm</span>
            <input value={text} onInput={(event) => setText(event.currentTarget.value)} autocomplete="off" inputMode="numeric" />
          </label>
        )}
        {error && <Problem error={error} />}
        <div class="buttons end">
          <button type="button" onClick={onClose}>Keep as it is</button>
          <button type="submit" class={danger ? "danger" : "primary"} aria-disabled={!ready}>{busy ? "Working…" : act}</button>
        </div>
      </form>
    </Dialog>
  );
}
