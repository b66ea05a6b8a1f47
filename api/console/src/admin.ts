// What operators ask and do, each by a route of its own.
import { call, type Schemas } from "./client.ts";
import type { Query } from "./router.ts";

export interface Tenant {
  tenant: string;
  weight: number;
  concurrency: number | null;
  ratePerMinute: number | null;
  paused: boolean;
}

export interface Queues {
  queues: Schemas["Queues"]["queues"];
  tenants: Tenant[];
}

/** What a worker holds or what waits: a step of a task, and the page where it is of one. */
export interface Slot {
  workflow: string;
  run: string;
  step: string | number;
  item: number | null;
  attempt: number;
}

export type Worker = Omit<Schemas["Workers"]["workers"][number], "holds"> & { holds: Slot[] };

export interface Workers {
  workers: Worker[];
}

export type Retry = Slot & { tenant: string; dueAt: string; error: { code: string; message: string } | null };

export interface Retries {
  retries: Retry[];
  pagination: Schemas["Pagination"];
}
export type Letters = Schemas["DeadLetters"];
export type Letter = Schemas["DeadLetter"];
export type LetterDetails = Schemas["DeadLetterDetails"];
export type Group = Schemas["DeadLetterGroup"];
export type Redrive = Schemas["Redrive"];
export type Plugins = Schemas["Plugins"];
export type Keys = Schemas["ApiKeys"];
export type Audit = Schemas["Audit"];

export type Overview = Omit<Schemas["Overview"], "latestActs"> & { latestActs: Audit["audit"] };

function get<T>(path: string) {
  return (signal: AbortSignal, query?: Query): Promise<T> => call<T>(`api/admin/${path}`, { signal, ...(query ? { query } : {}) });
}

function post<T>(path: string, json: unknown): Promise<T> {
  return call<T>(`api/admin/${path}`, { method: "POST", json });
}

export const overview = get<Overview>("overview");
export const queues = get<Queues>("queues");
export const workers = get<Workers>("workers");
export const retries = get<Retries>("retries");
export const letters = get<Letters>("dead-letters");
export const groups = get<Schemas["DeadLetterGroups"]>("dead-letters/groups");
export const redrives = get<Schemas["Redrives"]>("redrives");
export const plugins = get<Plugins>("plugins");
export const keys = get<Keys>("keys");
export const audit = get<Audit>("audit");

export const letter = (id: string) => get<LetterDetails>(`dead-letters/${id}`);
export const redrive = (id: string) => get<Redrive>(`redrives/${id}`);

/** What is paused or resumed: a queue, a tenant, or everything. */
export interface Which {
  queue?: string;
  tenant?: string;
}

export const pause = (which: Which) => post("queues/pause", which);
export const resume = (which: Which) => post("queues/resume", which);
export const limit = (share: Schemas["Share"]) => post("queues/limit", share);

export const drain = (name: string) => post(`workers/${encodeURIComponent(name)}/drain`, {});
export const resumeWorker = (name: string) => post(`workers/${encodeURIComponent(name)}/resume`, {});

export const retryNow = (which: { run: string; item: number | null }) => post("retries/now", which);
export const giveUp = (which: { run: string; item: number | null; reason?: string }) => post("retries/give-up", which);

export const redriveOne = (id: string, how: Schemas["RedriveOne"]) => post<Redrive>(`dead-letters/${id}/redrive`, how);
export const discardOne = (id: string, how: { reason?: string }) => post(`dead-letters/${id}/discard`, how);
export const planMany = (how: Schemas["RedriveMany"]) => post<Schemas["Groups"]>("dead-letters/redrive", { ...how, dryRun: true });
export const redriveMany = (how: Schemas["RedriveMany"]) => post<Redrive>("dead-letters/redrive", how);
export const discardMany = (how: Schemas["RedriveMany"]) => post<Redrive>("dead-letters/discard", how);

export const stopRedrive = (id: string) => post<Redrive>(`redrives/${id}/stop`, {});
export const resumeRedrive = (id: string) => post<Redrive>(`redrives/${id}/resume`, {});
export const rateOfRedrive = (id: string, rate: number | null) => post<Redrive>(`redrives/${id}/rate`, { rate });

export const activate = (name: string, digest: string) => post(`plugins/${encodeURIComponent(name)}/activate`, { digest });
export const rollBack = (name: string) => post(`plugins/${encodeURIComponent(name)}/rollback`, {});

export const createKey = (key: Schemas["NewKey"]) => post<Schemas["MadeKey"]>("keys", key);
export const revokeKey = (id: string) => post(`keys/${id}/revoke`, {});
