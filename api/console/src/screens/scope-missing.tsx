// A screen that the key or token of the reader does not open.
import { Screen } from "../components/screen.tsx";
import { to } from "../router.ts";

export function ScopeMissing({ scope }: { scope: string }) {
  return (
    <Screen title="Not allowed">
      <p>This needs a key or token with the scope <code>{scope}</code>. <a href={to("account")}>See what yours has</a>.</p>
    </Screen>
  );
}
