// Whether all is well, in one sentence, and the figures that it is made of.
import { overview, type Overview as Sight } from "../admin.ts";
import { Bars } from "../components/bars.tsx";
import { Fresh } from "../components/fresh.tsx";
import { Icon } from "../components/icon.tsx";
import { Loaded } from "../components/loaded.tsx";
import { Screen } from "../components/screen.tsx";
import { Ago } from "../components/time.tsx";
import { useData } from "../data.ts";
import { duration, number } from "../format.ts";
import { to } from "../router.ts";
import { actWord } from "./operators/act-word.ts";

const EVERY_MS = 5_000;

const LEVELS: Record<Sight["sentence"]["level"], string> = {
  well: "All is well.", attention: "Something needs a look.", down: "Work stands still.",
};

export function Overview() {
  const data = useData("overview", (signal) => overview(signal), EVERY_MS);
  return (
    <Screen title="Overview" side={<Fresh data={data} />}>
      <Loaded data={data}>{(sight) => <Sights sight={sight} />}</Loaded>
    </Screen>
  );
}

function Sights({ sight }: { sight: Sight }) {
  const { level, reasons } = sight.sentence;
  const { queues, workers, deadLetters } = sight;
  return (
    <>
      <section class={`verdict ${level}`} aria-label="State">
        <h2><Icon name={level === "well" ? "check" : "alert"} /> {LEVELS[level]}</h2>
        {reasons.length > 0 && <ul>{reasons.map((reason) => <li key={reason.code}><Why text={reason.text} link={reason.link} /></li>)}</ul>}
      </section>
      <div class="figures">
        <Figure name="ready to start" value={number(queues.ready)} link={to("queues")} />
        <Figure name="longest wait" value={queues.oldestAgeMs === null ? "none" : duration(queues.oldestAgeMs)} link={to("queues")} />
        <Figure name="at work" value={number(queues.held)} link={to("workers")} />
        <Figure name="waiting retries" value={number(sight.retriesWaiting)} link={to("retries")} />
        <Figure name="waiting dead letters" value={number(deadLetters.waiting)} link={to("letters")} />
        <Figure name={workersName(workers)} value={number(workers.alive)} link={to("workers")} />
      </div>
      <section class="card under-figures">
        <h2>Tasks ended per minute, in the last hour</h2>
        <Bars bars={sight.perMinute} />
      </section>
      <div class="halves">
        <section>
          <h2>Largest causes of dead letters</h2>
          {!deadLetters.groups.length && <p class="soft">No dead letter waits.</p>}
          <ul class="causes">
            {deadLetters.groups.map((group) => (
              <li key={group.fingerprint + group.step + group.digest}>
                <a href={to("letters", { fingerprint: group.fingerprint, step: group.step, digest: group.digest })}>
                  <strong class="num">{number(group.count)}</strong> <code>{group.code}</code>
                </a>
                <span class="clamp soft small" dir="auto">{group.message}</span>
              </li>
            ))}
          </ul>
        </section>
        <section>
          <h2>Latest acts of operators</h2>
          {!sight.latestActs.length && <p class="soft">None yet.</p>}
          <ul class="causes">
            {sight.latestActs.map((act) => (
              <li key={act.position}>
                <span>{actWord(act.action)} <code>{act.subject}</code></span>
                <span class="soft small"><Ago at={act.at} /> by {act.actor}</span>
              </li>
            ))}
          </ul>
        </section>
      </div>
      <p class="soft small">{Object.entries(sight.dependencies).map(([name, state]) => `${name} ${state}`).join(", ")}</p>
    </>
  );
}

/** Screens that a reason may lead to. Others say all that there is to say. */
const SCREENS = ["#/workers", "#/queues", "#/letters"];

function Why({ text, link }: { text: string; link: string }) {
  const sentence = `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
  return SCREENS.includes(link) ? <a href={link}>{sentence}</a> : <>{sentence}</>;
}

function workersName({ draining, silent }: Sight["workers"]): string {
  return ["workers alive", draining ? `${draining} draining` : "", silent ? `${silent} silent` : ""].filter(Boolean).join(", ");
}

function Figure({ name, value, link }: { name: string; value: string; link: string }) {
  return (
    <a class="figure" href={link}>
      <strong class="num">{value}</strong>
      <span>{name}</span>
    </a>
  );
}
