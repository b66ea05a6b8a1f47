// Starts the page.
import { render } from "preact";
import { useEffect } from "preact/hooks";
import { useCell } from "./cell.ts";
import { Shell } from "./components/shell.tsx";
import { refuseDrops } from "./drop.ts";
import { replace, to, usePlace } from "./router.ts";
import { screenFor } from "./screens/index.tsx";
import { providerReason, SignIn } from "./screens/sign-in.tsx";
import { begin, session } from "./session.ts";
import "./theme.ts";

function Console() {
  const who = useCell(session);
  const place = usePlace();
  const [here = ""] = place.parts;
  useEffect(() => {
    if (!here || (here === "sign-in" && who.state === "in")) replace(to("documents"));
  }, [here, who.state]);
  return (
    <Shell here={here}>
      {who.state === "starting" && <p class="loading" aria-busy="true">Loading…</p>}
      {who.state === "out" && <SignIn ways={who.ways} reason={who.reason ?? providerReason(place.query.error)} />}
      {who.state === "in" && here && here !== "sign-in" && screenFor(place)}
    </Shell>
  );
}

const page = document.getElementById("console")!;
page.replaceChildren();
render(<Console />, page);
refuseDrops();
void begin();
