// Says that everyone who reaches this page may do everything, and whose documents are shown.
import { useState } from "preact/hooks";
import { short } from "../format.ts";
import { actAs, isUserId, randomId, type Me } from "../session.ts";
import { Dialog } from "./dialog.tsx";

export function NoSignIn({ me }: { me: Me }) {
  const [open, setOpen] = useState(false);
  return (
    <aside class="bar note" aria-label="Sign-in">
      <p>
        Sign-in is off: everyone on this machine may use every function.
        Documents of user <code title={me.userId ?? ""}>{short(me.userId ?? "")}</code>.
      </p>
      <button type="button" onClick={() => setOpen(true)}>Change user</button>
      {open && <ChangeUser now={me.userId ?? ""} onClose={() => setOpen(false)} />}
    </aside>
  );
}

function ChangeUser({ now, onClose }: { now: string; onClose: () => void }) {
  const [text, setText] = useState(now);
  const wrong = text.trim() !== "" && !isUserId(text.trim());
  const submit = (event: Event) => {
    event.preventDefault();
    if (!isUserId(text.trim())) return;
    actAs(text.trim());
    onClose();
  };
  return (
    <Dialog title="Show the documents of another user" onClose={onClose}>
      <form onSubmit={submit}>
        <label class="field">
          <span>Id of the user, a UUID</span>
          <input class="mono" value={text} onInput={(event) => setText(event.currentTarget.value)} aria-invalid={wrong} spellcheck={false} />
        </label>
        {wrong && <p class="hint bad">A UUID has 32 hexadecimal digits in five groups.</p>}
        <p class="hint">It is kept in this browser and sent with each request.</p>
        <div class="buttons end">
          <button type="button" onClick={() => setText(randomId())}>New user</button>
          <button type="submit" class="primary">Show documents</button>
        </div>
      </form>
    </Dialog>
  );
}
