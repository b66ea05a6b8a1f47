// Narrows the list of dead letters.
import { useState } from "preact/hooks";
import { Confirm } from "../../components/confirm.tsx";
import { LETTER_FILTERS, type LetterFilter } from "../../letters.ts";
import { refine } from "../../router.ts";

const NAMES: Partial<Record<LetterFilter, string>> = {
  code: "Code", workflow: "Workflow", step: "Step", fingerprint: "Fingerprint", digest: "Digest of the engine", tenant: "Tenant",
  run: "Task", from: "Since (a time)", until: "Until (a time)", reason: "Reason for giving up",
};

const REASONS: Record<string, string> = {
  permanent: "it can't succeed", budget_spent: "no attempt was left", elapsed_limit: "it took too long", unreadable: "it can't be read",
};

export function AddFilter() {
  const [open, setOpen] = useState(false);
  return (
    <>
      <button type="button" onClick={() => setOpen(true)}>Add a filter…</button>
      {open && <Form onClose={() => setOpen(false)} />}
    </>
  );
}

function Form({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState<LetterFilter>("code");
  const [value, setValue] = useState("");
  const isTime = name === "from" || name === "until";
  return (
    <Confirm
      title="Add a filter"
      act="Show"
      onAct={async () => {
        const text = isTime && value ? new Date(value).toISOString() : value.trim();
        if (text) refine({ [name]: text, offset: "" });
      }}
      onClose={onClose}
    >
      <label class="field">
        <span>Narrow by</span>
        <select value={name} onChange={(event) => { setName(event.currentTarget.value as LetterFilter); setValue(""); }}>
          {LETTER_FILTERS.filter((one) => NAMES[one]).map((one) => <option key={one} value={one}>{NAMES[one]}</option>)}
        </select>
      </label>
      <label class="field">
        <span>{NAMES[name]}</span>
        {name === "reason"
          ? (
            <select value={value} onChange={(event) => setValue(event.currentTarget.value)}>
              <option value="">choose one</option>
              {Object.entries(REASONS).map(([one, words]) => <option key={one} value={one}>{words}</option>)}
            </select>
          )
          : isTime
            ? <input type="datetime-local" required value={value} onInput={(event) => setValue(event.currentTarget.value)} />
            : <input required value={value} onInput={(event) => setValue(event.currentTarget.value)} />}
      </label>
    </Confirm>
  );
}
