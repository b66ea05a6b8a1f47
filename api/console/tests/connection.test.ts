import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { backoff, connection, outage } from "../src/connection.ts";

/** A clock that goes on when told; `connection` has one timer at a time. */
const clock = {
  now: 0,
  at: Infinity,
  run: () => {},
  tick(by: number): void {
    const until = clock.now + by;
    while (clock.at <= until) {
      clock.now = clock.at;
      clock.at = Infinity;
      clock.run();
    }
    clock.now = until;
  },
};
let shift = 0;
Date.now = () => clock.now + shift;
Object.assign(globalThis, {
  setTimeout: (run: () => void, wait: number) => {
    assert.equal(clock.at, Infinity, "a second timer");
    Object.assign(clock, { run, at: clock.now + wait });
    return 1;
  },
  clearTimeout: () => {
    clock.at = Infinity;
  },
});

let asked = 0;
let up = false;
connection.onRetry(() => {
  asked += 1;
  if (up) connection.found();
  else connection.lost();
});

beforeEach(() => {
  shift = 0;
  up = true;
  connection.found();
  connection.retry();
  up = false;
  asked = 0;
});

test("a server that is down is asked again, after longer and longer waits", () => {
  connection.lost();
  for (const wait of [1, 2, 3, 4, 5, 6, 7].map(backoff)) {
    clock.tick(wait - 1);
    const before = asked;
    clock.tick(1);
    assert.equal(asked, before + 1);
  }
  assert.equal(backoff(7), 30_000);
  assert.equal(outage.value!.tries, 8);
});

test("requests that are lost together are one try", () => {
  for (let request = 0; request < 6; request += 1) connection.lost();
  assert.equal(outage.value!.tries, 1);
});

test("asking at once does not end asking", () => {
  connection.lost();
  clock.tick(300);
  connection.retry();
  assert.equal(asked, 1);
  assert.equal(outage.value!.tries, 2);
  clock.tick(backoff(2));
  assert.equal(asked, 2);
});

test("a clock that is set back does not end asking", () => {
  connection.lost();
  shift = -3_600_000;
  clock.tick(backoff(1));
  clock.tick(backoff(2));
  assert.ok(asked >= 1);
  assert.equal(outage.value!.tries, asked + 1);
});

test("an answer ends the outage, and what waited goes on", () => {
  connection.lost();
  up = true;
  clock.tick(backoff(1));
  assert.equal(outage.value, null);
  const before = asked;
  clock.tick(120_000);
  assert.equal(asked, before);
});
