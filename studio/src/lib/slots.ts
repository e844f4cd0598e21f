// Colors are slots: a run keeps the lowest free one until it is hidden, so that hiding one recolors no other.
export interface Slot {
  color: string; // a CSS variable
  dash: number[] | undefined;
}

export function assign(visible: readonly string[], former: ReadonlyMap<string, number>): Map<string, number> {
  const kept = new Map<string, number>();
  const taken = new Set<number>();
  for (const name of visible) {
    const slot = former.get(name);
    if (slot !== undefined && !taken.has(slot)) {
      kept.set(name, slot);
      taken.add(slot);
    }
  }
  let next = 0;
  for (const name of visible) {
    if (kept.has(name)) continue;
    while (taken.has(next)) next += 1;
    kept.set(name, next);
    taken.add(next);
  }
  return kept;
}

export function slot(number: number | undefined): Slot {
  if (number === undefined || number >= 20) return { color: "--ink-3", dash: undefined };
  return { color: `--c${(number % 10) + 1}`, dash: number >= 10 ? [5, 4] : undefined };
}

export const css = (variable: string): string => getComputedStyle(document.documentElement).getPropertyValue(variable).trim();
