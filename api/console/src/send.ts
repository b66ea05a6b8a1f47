// Sends one file, and says how far it is.
import { address, call, refusal, root, Unreachable, type Schemas } from "./client.ts";
import { connection } from "./connection.ts";
import { wishes, wishesForm, type Options } from "./options.ts";

/** Larger files go to the store directly. */
export const DIRECT_BYTES = 8 * 1024 * 1024;

export type Created = Schemas["Created"];

export interface Sending {
  file: File;
  /** Whose document it becomes: who was at work when it was added. */
  user: { userId?: string };
  options: Options;
  /** The same for every try, so that no try makes a second document. */
  key: string;
  /** Bytes that are there. */
  progress: (sent: number) => void;
  signal: AbortSignal;
  /** An upload that was begun by an earlier try. */
  upload?: Schemas["Upload"];
}

export async function send(sending: Sending): Promise<Created> {
  await readable(sending.file);
  return sending.file.size > DIRECT_BYTES ? large(sending) : small(sending);
}

/** A file that was changed or removed since it was chosen looks like a lost connection when sent. */
async function readable(file: File): Promise<void> {
  try {
    await file.slice(0, 1).arrayBuffer();
  } catch {
    throw new Error("the file can't be read: it was changed or removed after it was chosen. Choose it again");
  }
}

async function small(sending: Sending): Promise<Created> {
  const form = new FormData();
  const { userId } = sending.user;
  if (userId) form.append("userId", userId);
  for (const [name, value] of wishesForm(sending.options)) form.append(name, value);
  form.append("file", sending.file, sending.file.name);
  const answer = await put("POST", address("api/tasks"), form, { "idempotency-key": sending.key }, sending);
  return (JSON.parse(answer) as { data: Created }).data;
}

async function large(sending: Sending): Promise<Created> {
  const { file, signal } = sending;
  sending.upload ??= await call<Schemas["Upload"]>("api/uploads", {
    method: "POST",
    json: { ...sending.user, filename: file.name, bytes: file.size },
    signal,
  });
  const upload = sending.upload;
  // A store elsewhere, or one that a proxy's path hides, is not reached from this page.
  if (!new URL(upload.url, root()).href.startsWith(root().href)) {
    delete sending.upload;
    return small(sending);
  }
  try {
    await put("PUT", upload.url, file, upload.headers, sending);
  } catch (error) {
    // Refused: the address may have expired while the connection was lost.
    if (!(error instanceof Unreachable)) delete sending.upload;
    throw error;
  }
  return call<Created>(`api/uploads/${upload.uploadId}/complete`, {
    method: "POST",
    query: sending.user,
    json: wishes(sending.options),
    headers: { "idempotency-key": sending.key },
    signal,
  });
}

/** A request with a body that says how much of it was sent, which `fetch` does not. */
function put(method: string, url: string, body: XMLHttpRequestBodyInit, headers: Record<string, string>, sending: Sending): Promise<string> {
  return new Promise((done, fail) => {
    const request = new XMLHttpRequest();
    request.open(method, url);
    // The browser itself says how long the body is, and lets nobody else.
    for (const [name, value] of Object.entries(headers)) if (name.toLowerCase() !== "content-length") request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => sending.progress(Math.min(event.loaded, sending.file.size));
    request.onload = () => {
      const { status, responseText } = request;
      if (status >= 200 && status < 300) {
        connection.found();
        done(responseText);
        return;
      }
      let error;
      try {
        error = (JSON.parse(responseText) as { error?: { code: string; message: string } }).error;
      } catch {
        error = undefined;
      }
      if (!error && status >= 502 && status <= 504) {
        connection.lost();
        fail(new Unreachable("the server does not answer"));
      } else {
        fail(refusal(status, error, request.getResponseHeader("retry-after")));
      }
    };
    request.onerror = () => {
      connection.lost();
      fail(new Unreachable("the connection was lost"));
    };
    request.onabort = () => fail(new DOMException("given up", "AbortError"));
    const stop = () => request.abort();
    sending.signal.addEventListener("abort", stop, { once: true });
    request.onloadend = () => sending.signal.removeEventListener("abort", stop);
    request.send(body);
  });
}
