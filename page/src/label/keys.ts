// Which key gives which class, by the classes' slots: a class that is added moves no other's key.

const FREE = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "0"];

/** Classes by rising slot: the order of their buttons. */
export function inOrder(classes: readonly string[], slots: readonly number[]): string[] {
  const slot = new Map(classes.map((name, place) => [name, slots[place] ?? place]));
  return [...classes].sort((a, b) => slot.get(a)! - slot.get(b)!);
}

/** Class -> key: a digit is its own key, or has none where that is taken; any other class takes the lowest that is free. */
export function keysOf(classes: readonly string[], slots: readonly number[]): Map<string, string> {
  const keys = new Map<string, string>();
  const taken = new Set<string>();
  for (const name of inOrder(classes, slots)) {
    const key = /^[0-9]$/.test(name) ? name : FREE.find((one) => !taken.has(one));
    if (key === undefined || taken.has(key)) continue;
    keys.set(name, key);
    taken.add(key);
  }
  return keys;
}
