// Which screen stands at which address.
import type { ComponentChild } from "preact";
import type { Place } from "../router.ts";
import { me } from "../session.ts";
import { Document } from "./document.tsx";
import { Documents } from "./documents.tsx";
import { NotHere } from "./not-here.tsx";

export function screenFor(place: Place): ComponentChild {
  const [name, ...rest] = place.parts;
  // Another user's screen is another screen.
  const user = me().userId ?? "";
  switch (name) {
    case "documents":
      if (!rest[0]) return <Documents key={user} query={place.query} />;
      if (!rest[1]) return <Document key={user + rest[0]} id={rest[0]} query={place.query} />;
      return <NotHere />;
    default:
      return <NotHere />;
  }
}
