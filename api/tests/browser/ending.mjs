// What a test started ends in reverse order: a page before the server that it talks to.
const endings = new WeakMap();

export function atEnd(t, end) {
  const mine = endings.get(t);
  if (mine) {
    mine.push(end);
    return;
  }
  const all = [end];
  endings.set(t, all);
  t.after(async () => {
    const failures = [];
    for (const one of all.reverse()) {
      try {
        await one();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length) throw failures[0];
  });
}
