// A task named by its id. Documents have a screen; other work has none.
import { to } from "../../router.ts";

export function TaskLink({ id, workflow }: { id: string; workflow: string }) {
  return workflow === "ocr" ? <a href={to(["documents", id])}><code>{id}</code></a> : <code>{id}</code>;
}
