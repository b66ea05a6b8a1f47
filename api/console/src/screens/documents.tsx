import { Screen } from "../components/screen.tsx";
export function Documents(_: { query: Record<string, string> }) {
  return <Screen title="Documents"><p>…</p></Screen>;
}
