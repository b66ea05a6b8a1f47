// Whether all is well, in one sentence, and the figures that it is made of.
import { audit, groups, queues, retries, workers, type Audit, type Group, type Queues, type Workers } from "../admin.ts";
import { Fresh } from "../components/fresh.tsx";
import { Icon } from "../components/icon.tsx";
import { Loaded } from "../components/loaded.tsx";
import { Screen } from "../components/screen.tsx";
import { Ago } from "../components/time.tsx";
import { call } from "../client.ts";
import { useData } from "../data.ts";
import { count, number } from "../format.ts";
import { to } from "../router.ts";
import { actWord } from "./operators/act-word.ts";

const EVERY_MS = 5_000;

export interface Health {
  status: string;
  version: string;
  dependencies: Record<string, string>;
  problems: { code?: string; message?: string }[];
}

export interface Sight {
  health: Health;
  queues: Queues;
  workers: Workers;
  retries: number;
  groups: Group[];
  moreGroups: boolean;
  acts: Audit["audit"];
}

async function fetchSight(signal: AbortSignal): Promise<Sight> {
  const [health, queued, working, retried, caused, acted] = await Promise.all([
    call<Health>("health", { signal }),
    queues(signal),
    workers(signal),
    retries(signal, { limit: 1 }),
    groups(signal, { state: "waiting", limit: 50 }),
    audit(signal, { limit: 5 }),
  ]);
  return { health, queues: queued, workers: working, retries: retried.pagination.total, groups: caused.groups, moreGroups: caused.hasMore, acts: acted.audit };
}

export interface Reason {
  level: "attention" | "down";
  text: string;
  link: string | null;
}

/** What is not well, the worst first. Empty: all is well. */
export function reasons(sight: Sight): Reason[] {
  const found: Reason[] = [];
  const add = (level: Reason["level"], text: string, link: string | null) => found.push({ level, text, link });
  for (const [name, state] of Object.entries(sight.health.dependencies)) {
    if (state !== "up") add("down", `The ${name} is ${state}.`, null);
  }
  const alive = sight.workers.workers.filter((worker) => worker.state === "alive");
  const silent = sight.workers.workers.filter((worker) => worker.state === "silent");
  const draining = sight.workers.workers.filter((worker) => worker.state === "draining");
  const ready = sight.queues.queues.reduce((sum, queue) => sum + queue.ready, 0);
  if (!alive.length) add("down", draining.length ? "Every worker is draining: nothing new is started." : ready ? `No worker is alive, and ${count(ready, "step")} wait.` : "No worker is alive.", to("workers"));
  if (silent.length) add("attention", `${count(silent.length, "worker")} not heard of for longer than a lease.`, to("workers"));
  if (draining.length) add("attention", `${count(draining.length, "worker")} draining.`, to("workers"));
  const paused = sight.queues.queues.filter((queue) => queue.paused);
  if (paused.length) add("attention", `Paused: ${paused.map((queue) => queue.name).join(", ")}.`, to("queues"));
  const waiting = sight.groups.reduce((sum, group) => sum + group.count, 0);
  if (waiting) {
    add("attention", `${sight.moreGroups ? "More than " : ""}${count(waiting, "dead letter")} of ${sight.moreGroups ? "more than " : ""}${count(sight.groups.length, "cause")} wait for a decision.`, to("letters"));
  }
  return found.sort((one, other) => Number(other.level === "down") - Number(one.level === "down"));
}

export function Overview() {
  const data = useData("overview", fetchSight, EVERY_MS);
  return (
    <Screen title="Overview" side={<Fresh data={data} />}>
      <Loaded data={data}>{(sight) => <Sights sight={sight} />}</Loaded>
    </Screen>
  );
}

function Sights({ sight }: { sight: Sight }) {
  const why = reasons(sight);
  const level = why[0]?.level ?? "well";
  const sum = (field: "ready" | "scheduled" | "held") => sight.queues.queues.reduce((all, queue) => all + queue[field], 0);
  const states = (state: string) => sight.workers.workers.filter((worker) => worker.state === state).length;
  return (
    <>
      <section class={`verdict ${level}`} aria-label="State">
        <h2><Icon name={level === "well" ? "check" : "alert"} /> {level === "well" ? "All is well." : level === "down" ? "Work stands still." : "Something needs a look."}</h2>
        {why.length > 0 && (
          <ul>{why.map((reason) => <li key={reason.text}>{reason.link ? <a href={reason.link}>{reason.text}</a> : reason.text}</li>)}</ul>
        )}
      </section>
      <div class="figures">
        <Figure name="ready to start" value={sum("ready")} link={to("queues")} />
        <Figure name="at work" value={sum("held")} link={to("workers")} />
        <Figure name="scheduled" value={sum("scheduled")} link={to("queues")} />
        <Figure name="waiting retries" value={sight.retries} link={to("retries")} />
        <Figure name="workers alive" value={states("alive")} link={to("workers")} />
        <Figure name="workers silent or gone" value={states("silent") + states("gone")} link={to("workers")} />
      </div>
      <div class="halves">
        <section>
          <h2>Largest causes of dead letters</h2>
          {!sight.groups.length && <p class="soft">No dead letter waits.</p>}
          <ul class="causes">
            {[...sight.groups].sort((one, other) => other.count - one.count).slice(0, 3).map((group) => (
              <li key={group.fingerprint + group.step + group.digest}>
                <a href={to("letters", { fingerprint: group.fingerprint, step: group.step, digest: group.digest })}>
                  <strong class="num">{number(group.count)}</strong> <code>{group.code}</code>
                </a>
                <span class="clamp soft small">{group.message}</span>
              </li>
            ))}
          </ul>
        </section>
        <section>
          <h2>Latest acts of operators</h2>
          {!sight.acts.length && <p class="soft">None yet.</p>}
          <ul class="causes">
            {sight.acts.map((act) => (
              <li key={act.position}>
                <span>{actWord(act.action)} <code>{act.subject}</code></span>
                <span class="soft small"><Ago at={act.at} /> by {act.actor}</span>
              </li>
            ))}
          </ul>
        </section>
      </div>
      <p class="soft small">Version {sight.health.version}. {Object.entries(sight.health.dependencies).map(([name, state]) => `${name} ${state}`).join(", ")}.</p>
    </>
  );
}

function Figure({ name, value, link }: { name: string; value: number; link: string }) {
  return (
    <a class="figure" href={link}>
      <strong class="num">{number(value)}</strong>
      <span>{name}</span>
    </a>
  );
}
