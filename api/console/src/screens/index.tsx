// Which screen stands at which address.
import type { ComponentChild } from "preact";
import type { Place } from "../router.ts";
import { may, me, type Scope } from "../session.ts";
import { Account } from "./account.tsx";
import { AuditScreen } from "./audit.tsx";
import { Document } from "./document.tsx";
import { Documents } from "./documents.tsx";
import { EnginesScreen } from "./engines.tsx";
import { History } from "./history.tsx";
import { KeysScreen } from "./keys.tsx";
import { Letter } from "./letter.tsx";
import { Letters } from "./letters.tsx";
import { NotHere } from "./not-here.tsx";
import { Overview } from "./overview.tsx";
import { Queues } from "./queues.tsx";
import { RedriveProgress } from "./redrive.tsx";
import { Redrives } from "./redrives.tsx";
import { Retries } from "./retries.tsx";
import { ScopeMissing } from "./scope-missing.tsx";
import { Workers } from "./workers.tsx";

/** What a screen needs its reader to have. */
const NEEDS: Record<string, Scope> = {
  overview: "operate", queues: "operate", workers: "operate", retries: "operate", letters: "operate", redrives: "operate",
  engines: "operate", audit: "operate", keys: "admin", documents: "read",
};

export function screenFor(place: Place): ComponentChild {
  const [name = "", id, part] = place.parts;
  const needed = NEEDS[name];
  if (needed && !may(needed)) return <ScopeMissing scope={needed} />;
  // Another user's screen is another screen.
  const user = me().userId ?? "";
  switch (name) {
    case "documents":
      if (!id) return <Documents key={user} query={place.query} />;
      if (!part) return <Document key={user + id} id={id} query={place.query} />;
      return part === "history" ? <History key={user + id} id={id} query={place.query} /> : <NotHere />;
    case "account": return <Account key="account" me={me()} />;
    case "overview": return <Overview key="overview" />;
    case "queues": return <Queues key="queues" />;
    case "workers": return <Workers key="workers" />;
    case "retries": return <Retries key="retries" query={place.query} />;
    case "letters": return id ? <Letter key={id} id={id} /> : <Letters key="letters" query={place.query} />;
    case "redrives": return id ? <RedriveProgress key={id} id={id} /> : <Redrives key="redrives" query={place.query} />;
    case "engines": return <EnginesScreen key="engines" />;
    case "keys": return <KeysScreen key="keys" query={place.query} />;
    case "audit": return <AuditScreen key="audit" />;
    default: return <NotHere />;
  }
}
