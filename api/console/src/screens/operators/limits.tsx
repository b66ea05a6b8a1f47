// What one tenant may have of the workers.
import { useState } from "preact/hooks";
import type { Tenant } from "../../admin.ts";
import { Confirm } from "../../components/confirm.tsx";

interface Share {
  tenant: string;
  weight?: number | null;
  concurrency?: number | null;
  ratePerMinute?: number | null;
}

interface Props {
  tenant: Tenant | null;
  onSave: (share: Share) => Promise<void>;
  onClose: () => void;
}

/** A field's number; nothing is no limit. */
function value(text: string): number | null {
  return text.trim() === "" ? null : Number(text);
}

export function Limits({ tenant, onSave, onClose }: Props) {
  const [id, setId] = useState(tenant?.tenant ?? "");
  const [weight, setWeight] = useState(String(tenant?.weight ?? 1));
  const [concurrency, setConcurrency] = useState(String(tenant?.concurrency ?? ""));
  const [rate, setRate] = useState(String(tenant?.ratePerMinute ?? ""));
  return (
    <Confirm
      title={tenant ? "Change a tenant's limits" : "Limit a tenant"}
      act="Save"
      onAct={() => onSave({ tenant: id.trim(), weight: value(weight), concurrency: value(concurrency), ratePerMinute: value(rate) })}
      onClose={onClose}
    >
      <label class="field">
        <span>Tenant: the id of a user</span>
        <input class="mono" required value={id} readOnly={tenant !== null} onInput={(event) => setId(event.currentTarget.value)} spellcheck={false} />
      </label>
      <label class="field">
        <span>Weight: its share beside others, 1 where none is set</span>
        <input type="number" min={1} required value={weight} onInput={(event) => setWeight(event.currentTarget.value)} />
      </label>
      <label class="field">
        <span>Steps at a time, empty for no limit</span>
        <input type="number" min={1} value={concurrency} onInput={(event) => setConcurrency(event.currentTarget.value)} />
      </label>
      <label class="field">
        <span>Starts per minute, empty for no limit</span>
        <input type="number" min={1} value={rate} onInput={(event) => setRate(event.currentTarget.value)} />
      </label>
    </Confirm>
  );
}
