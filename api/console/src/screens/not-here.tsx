// An address that leads nowhere.
import { Screen } from "../components/screen.tsx";
import { to } from "../router.ts";

export function NotHere() {
  return (
    <Screen title="There is no such page">
      <p>The address may be from another version. <a href={to("documents")}>Go to the documents</a>.</p>
    </Screen>
  );
}
