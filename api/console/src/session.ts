// Who uses the page, and what they may do.
import { call, onSignedOut, Refused, type Schemas } from "./client.ts";
import { Cell } from "./cell.ts";
import { connection } from "./connection.ts";
import { remember, remembered } from "./remembered.ts";

export type Scope = "submit" | "read" | "operate" | "admin";

/** Who calls. Where nobody signs in, the user is the one of this browser. */
export type Me = Schemas["Me"];

/** The ways to sign in. */
export interface Ways {
  authentication: "required" | "off";
  key: boolean;
  provider: boolean;
}

export type Session =
  | { state: "starting" }
  | { state: "out"; ways: Ways; reason: string | null }
  | { state: "in"; me: Me };

export const session = new Cell<Session>({ state: "starting" });

let ways: Ways = { authentication: "required", key: true, provider: false };
/** Whether somebody was signed in here, so that the end of it needs a reason. */
let wasIn = false;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export function isUserId(text: string): boolean {
  return UUID.test(text);
}

/** The user of this browser where nobody signs in. */
export function localUser(): string {
  const kept = remembered("user", "");
  if (isUserId(kept)) return kept;
  const made = randomId();
  remember("user", made);
  return made;
}

/** A version 4 UUID. `crypto.randomUUID` is missing on pages over plain http. */
export function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** Asks the server who uses the page. */
export async function begin(): Promise<void> {
  try {
    ways = await call<Ways>("api/sign-in");
    entered(await call<Me>("api/me"));
  } catch (error) {
    if (error instanceof Refused && error.status !== 401) left(`${error.code}: ${error.message}`);
  }
}

function entered(me: Me): void {
  wasIn = true;
  if (me.authentication === "off") me = { ...me, userId: localUser() };
  session.set({ state: "in", me });
}

function left(reason: string | null): void {
  session.set({ state: "out", ways, reason });
}

export async function signIn(key: string): Promise<void> {
  entered(await call<Me>("api/session", { method: "POST", json: { key } }));
}

export async function signOut(): Promise<void> {
  wasIn = false;
  await call("api/session", { method: "DELETE" });
  left(null);
}

/** Works for another user where nobody signs in. */
export function actAs(userId: string): void {
  const now = session.value;
  if (now.state !== "in") return;
  remember("user", userId);
  session.set({ state: "in", me: { ...now.me, userId } });
}

export function me(): Me {
  const now = session.value;
  if (now.state !== "in") throw new Error("nobody is signed in");
  return now.me;
}

/** Whether the caller may do what needs this scope. */
export function may(scope: Scope): boolean {
  const now = session.value;
  if (now.state !== "in") return false;
  const scopes = now.me.scopes;
  if (now.me.authentication === "off" || scopes.includes("admin")) return true;
  return scopes.includes(scope) || (scope !== "admin" && scopes.includes("operate"));
}

/** The user in requests: only where nobody signs in, since a key belongs to one. */
/** The owner of a task in requests about it, which are of operators too. */
export function ownerQuery(task: { userId: string }): { userId?: string } {
  return me().authentication === "off" ? { userId: task.userId } : {};
}

export function userQuery(): { userId?: string } {
  const who = me();
  return who.authentication === "off" ? { userId: who.userId! } : {};
}

onSignedOut.tell = (refused) => {
  if (session.value.state === "out") return;
  const reason = wasIn ? `You were signed out: ${refused.message}.` : null;
  wasIn = false;
  left(reason);
};

connection.onRetry(() => {
  if (session.value.state === "starting") void begin();
  else void call("health").catch(() => {});
});
