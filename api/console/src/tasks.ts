// The list of documents, and how changes get into it.
import type { Schemas } from "./client.ts";
import type { Update } from "./live.ts";
import { STATUSES, type TaskStatus } from "./words.ts";

export type Task = Schemas["Task"];

export interface Filters {
  status: TaskStatus[];
  q: string;
  engine: string;
}

/** What the address says is to be shown. */
export function filtersOf(query: Record<string, string>): Filters {
  const wanted = (query.status ?? "").split(",");
  return {
    status: STATUSES.filter((status) => wanted.includes(status)),
    q: query.q ?? "",
    engine: query.engine ?? "",
  };
}

/** The same as parameters, of the address and of the API. */
export function filterQuery(filters: Filters): { status: string; q: string; engine: string } {
  return { status: filters.status.join(","), q: filters.q, engine: filters.engine };
}

/** The list with the first part in place of the tasks that it reaches over. */
export function mergeHead(list: Task[], head: Task[], complete: boolean): Task[] {
  const last = head.at(-1);
  if (complete || !last) return head;
  const known = new Set(head.map((task) => task.taskId));
  return [...head, ...list.filter((task) => !known.has(task.taskId) && isAfter(task, last))];
}

/** The list with more at its end, each task once. */
export function mergeTail(list: Task[], tail: Task[]): Task[] {
  const known = new Set(list.map((task) => task.taskId));
  return [...list, ...tail.filter((task) => !known.has(task.taskId))];
}

function isAfter(task: Task, last: Task): boolean {
  const [at, end] = [task.createdAt ?? "", last.createdAt ?? ""];
  return at < end || (at === end && task.taskId < last.taskId);
}

/** The list with what an update says of one task. */
export function applyUpdate(list: Task[], update: Update): Task[] {
  return list.map((task) => {
    if (task.taskId !== update.taskId) return task;
    return {
      ...task,
      status: update.status ?? task.status,
      step: update.step ?? task.step,
      progress: update.progress ?? task.progress,
    } as Task;
  });
}
