// Which screen stands at which address.
import type { ComponentChild } from "preact";
import type { Place } from "../router.ts";
import { me } from "../session.ts";
import { Documents } from "./documents.tsx";
import { NotHere } from "./not-here.tsx";

export function screenFor(place: Place): ComponentChild {
  const [name, ...rest] = place.parts;
  // Another user's screen is another screen.
  const user = me().userId ?? "";
  switch (name) {
    case "documents":
      return rest.length ? <NotHere /> : <Documents key={user} query={place.query} />;
    default:
      return <NotHere />;
  }
}
