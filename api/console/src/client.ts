// Requests to the API. Every address is relative to the page's own.
import type { components } from "./api.d.ts";
import { connection } from "./connection.ts";
import type { Query } from "./router.ts";

export type Schemas = components["schemas"];

/** The root of the server, as this page reaches it. */
export function root(): URL {
  return new URL("../", document.baseURI);
}

export function address(path: string, query: Query = {}): string {
  const url = new URL(path, root());
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") url.searchParams.set(name, String(value));
  }
  return url.href;
}

/** What the API refused, in its own words. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly details: Record<string, unknown> = {},
    /** Milliseconds after which another try makes sense. */
    readonly retryAfter: number | null = null,
  ) {
    super(message);
  }
}

/** The server did not answer. */
export class Unreachable extends Error {}

export interface Call {
  method?: string;
  query?: Query;
  json?: unknown;
  form?: FormData;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** Told when the server no longer knows the caller. */
export const onSignedOut: { tell: (reason: Refused) => void } = { tell: () => {} };

export async function call<T>(path: string, options: Call = {}): Promise<T> {
  const headers: Record<string, string> = { accept: "application/json", ...options.headers };
  if (options.json !== undefined) headers["content-type"] = "application/json";
  let response: Response;
  try {
    response = await fetch(address(path, options.query), {
      method: options.method ?? "GET",
      headers,
      body: options.form ?? (options.json === undefined ? null : JSON.stringify(options.json)),
      credentials: "same-origin",
      cache: "no-store",
      signal: options.signal ?? null,
    });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    connection.lost();
    throw new Unreachable("the server does not answer");
  }
  return read<T>(response);
}

async function read<T>(response: Response): Promise<T> {
  if (response.status === 204) {
    connection.found();
    return undefined as T;
  }
  let body: { success?: boolean; data?: T; error?: { code: string; message: string; details?: Record<string, unknown> } };
  try {
    body = await response.json();
  } catch {
    body = {};
  }
  // A proxy in front of a server that is down answers for it.
  if (!body.error && response.status >= 502 && response.status <= 504) {
    connection.lost();
    throw new Unreachable("the server does not answer");
  }
  connection.found();
  if (response.ok && body.success) return body.data as T;
  throw refusal(response.status, body.error, response.headers.get("retry-after"));
}

/** What an answer of the API says was refused. */
export function refusal(
  status: number,
  error: { code: string; message: string; details?: Record<string, unknown> } | undefined,
  retryAfter: string | null,
): Refused {
  const seconds = Number(retryAfter);
  const refused = new Refused(
    status,
    error?.code ?? `HTTP_${status}`,
    error?.message ?? `the server answered with status ${status}`,
    error?.details,
    retryAfter !== null && Number.isFinite(seconds) ? seconds * 1000 : null,
  );
  if (status === 401) onSignedOut.tell(refused);
  return refused;
}
