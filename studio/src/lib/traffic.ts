// Shares of traffic in whole percent: they are 100 together, or all nothing.
export type Shares = readonly (readonly [string, number])[];

export const sharesOf = (names: readonly string[], traffic: Record<string, number> | null | undefined): Shares => names.map((name) => [name, Number(traffic?.[name] ?? 0)] as const);
export const total = (shares: Shares): number => shares.reduce((sum, [, share]) => sum + share, 0);
export const asTraffic = (shares: Shares): Record<string, number> => Object.fromEntries(shares.filter(([, share]) => share > 0));
export const same = (one: Shares, other: Shares): boolean => one.length === other.length && one.every(([name, share], at) => other[at]![0] === name && other[at]![1] === share);

/** Move the border between the deployments `at` and `at + 1`; it stops at its neighbors. */
export function moveBorder(shares: Shares, at: number, by: number): Shares {
  const [left, right] = [shares[at]![1], shares[at + 1]![1]];
  const way = Math.round(Math.max(-left, Math.min(right, by)));
  return shares.map(([name, share], here) => [name, here === at ? share + way : here === at + 1 ? share - way : share] as const);
}

/** Give one deployment so much; the others keep their proportions, and the sum is 100. */
export function give(shares: Shares, name: string, wanted: number): Shares {
  const others = shares.filter(([other]) => other !== name);
  const to = others.length ? Math.max(0, Math.min(100, Math.round(wanted))) : 100;
  const rest = 100 - to;
  const before = total(others);
  const exact = new Map(others.map(([other, share], at) => [other, before ? (share * rest) / before : at === 0 ? rest : 0]));
  const whole = new Map([...exact].map(([other, share]) => [other, Math.floor(share)]));
  let left = rest - [...whole.values()].reduce((sum, share) => sum + share, 0);
  for (const [other] of [...exact].sort((one, two) => (two[1] % 1) - (one[1] % 1))) {
    if (left <= 0) break;
    whole.set(other, whole.get(other)! + 1);
    left -= 1;
  }
  return shares.map(([other]) => [other, other === name ? to : whole.get(other)!] as const);
}
