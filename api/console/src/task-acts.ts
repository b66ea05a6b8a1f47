// What can be done to a document, and what it does.
import { call } from "./client.ts";
import { ownerQuery, userQuery } from "./session.ts";
import type { Filters, Task } from "./tasks.ts";
import { hasEnded } from "./words.ts";

export type Act = "cancel" | "retry" | "erase";

export const ACTS: Act[] = ["cancel", "retry", "erase"];

const WORDS: Record<Act, { one: string; what: string; does: string; danger: boolean }> = {
  cancel: {
    one: "Cancel", what: "that have not ended", danger: false,
    does: "Recognition stops. Pages that are done are lost; the uploaded file stays, and there is no result.",
  },
  retry: {
    one: "Retry", what: "that failed, all or in part", danger: false,
    does: "Pages that failed are recognised again. Pages that are done are kept.",
  },
  erase: {
    one: "Erase", what: "that match", danger: true,
    does: "The file, its text, every result and the history are removed from the server for good. Nothing brings them back.",
  },
};

export function actWords(act: Act): { one: string; what: string; does: string; danger: boolean } {
  return WORDS[act];
}

/** Whether the act does anything to a document in this status. */
export function applies(act: Act, status: string): boolean {
  if (act === "cancel") return !hasEnded(status);
  if (act === "retry") return status === "failed" || status === "partial";
  return true;
}

export async function actOn(act: Act, task: Pick<Task, "taskId" | "userId">): Promise<void> {
  const path = `api/tasks/${task.taskId}${act === "erase" ? "" : `/${act}`}`;
  await call(path, { method: act === "erase" ? "DELETE" : "POST", query: ownerQuery(task) });
}

/** What an act on many documents did, or would do. */
export interface Bulk {
  matched: number;
  matchedIsLowerBound: boolean;
  done: number;
  failed: { taskId: string; code: string; message: string }[];
  failedCount: number;
  more: boolean;
}

export function actOnAll(act: Act, filters: Filters, dryRun: boolean): Promise<Bulk> {
  const filter = {
    ...(filters.status.length ? { status: filters.status } : {}),
    ...(filters.q ? { q: filters.q } : {}),
    ...(filters.engine ? { engine: filters.engine } : {}),
  };
  return call<Bulk>("api/tasks/bulk", { method: "POST", json: { ...userQuery(), action: act, filter, dryRun } });
}
