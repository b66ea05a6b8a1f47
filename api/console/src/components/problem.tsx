// What the API refused: its code, its message, and what to do.
import { Refused, Unreachable } from "../client.ts";
import { advice } from "../words.ts";
import { Icon } from "./icon.tsx";

export function Problem({ error, retry }: { error: Error; retry?: () => void }) {
  const refused = error instanceof Refused ? error : null;
  const hint = refused ? advice(refused.code) : null;
  return (
    <div class="problem" role="alert">
      <Icon name="alert" />
      <div>
        {refused && <code>{refused.code}</code>} <span>{sentence(error)}</span>
        {hint && <p>{hint}</p>}
        {retry && <p><button type="button" onClick={retry}>Try again</button></p>}
      </div>
    </div>
  );
}

function sentence(error: Error): string {
  if (error instanceof Unreachable) return "The server does not answer. Try again in a moment.";
  const text = error.message;
  return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?…]$/.test(text) ? "" : ".");
}
