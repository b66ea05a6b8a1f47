// The ways in, and why the last one ended.
import { useState } from "preact/hooks";
import { Problem } from "../components/problem.tsx";
import { Screen } from "../components/screen.tsx";
import { address } from "../client.ts";
import { signIn, type Ways } from "../session.ts";

const FAILURES: Record<string, string> = {
  SIGN_IN_DENIED: "Your organisation refused the sign-in.",
  SIGN_IN_EXPIRED: "The sign-in took longer than ten minutes or was begun in another browser. Sign in again.",
  SIGN_IN_FAILED: "Your organisation's sign-in reported an error. An operator finds it in the server's log.",
  UNAUTHENTICATED: "The sign-in was not accepted.",
  AUTH_RATE_LIMITED: "There were too many failed sign-ins from your address. Wait a minute.",
  SERVICE_UNAVAILABLE: "The sign-in can't be checked at the moment. Try again.",
};

/** Why a sign-in at the provider failed, by the code that it came back with. */
export function providerReason(code: string | undefined): string | null {
  return code ? `${FAILURES[code] ?? "The sign-in failed."} (${code})` : null;
}

/** Where a sign-in leads: to where somebody was, and not to a failed sign-in. */
function wayBack(): string {
  return location.hash.startsWith("#/sign-in") ? "#/documents" : location.hash || "#/documents";
}

export function SignIn({ ways, reason }: { ways: Ways; reason: string | null }) {
  const [key, setKey] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const submit = async (event: Event) => {
    event.preventDefault();
    if (busy || !key.trim()) return;
    setBusy(true);
    setError(null);
    try {
      await signIn(key.trim());
    } catch (failure) {
      setError(failure as Error);
      setBusy(false);
    }
  };
  return (
    <Screen title="Sign in" kind="narrow">
      {reason && <p class="notice">{reason}</p>}
      {ways.provider && (
        <p><a class="button primary" href={address("auth/login", { return: wayBack() })}>Sign in with your organisation</a></p>
      )}
      {ways.key && (
        <form class="card" onSubmit={submit}>
          <label class="field">
            <span>API key</span>
            <input
              type="password"
              name="key"
              autocomplete="current-password"
              value={key}
              onInput={(event) => setKey(event.currentTarget.value)}
              placeholder="untxt_…"
              required
            />
          </label>
          {error && <Problem error={error} />}
          <div class="buttons"><button type="submit" class="primary" aria-disabled={busy}>{busy ? "Signing in…" : "Sign in"}</button></div>
          <p class="hint">An operator makes a key with <code>untxt keys create</code>. It is exchanged for a session and not kept in the browser.</p>
        </form>
      )}
    </Screen>
  );
}
