// The log of the build of an environment: `    0.7s resolve   Resolved 5 packages in 198ms`.
const LINE = /^\s*([\d.]+)s (\w+)\s/;

export interface Stage {
  name: string;
  seconds: number; // until the next one began
  from: number; // its lines: after this one
  to: number; // up to and with this one
}

/** The steps in their order. What has no such beginning, as the words of a compiler, belongs to the step it came in. */
export function byStage(lines: string[]): Stage[] {
  const stages: (Stage & { began: number })[] = [];
  let last = 0;
  lines.forEach((line, at) => {
    const found = LINE.exec(line);
    if (found) {
      last = Number(found[1]);
      if (stages.at(-1)?.name !== found[2]) {
        const before = stages.at(-1);
        if (before) before.seconds = last - before.began;
        stages.push({ name: found[2]!, seconds: 0, from: at, to: at, began: last });
      }
    }
    const now = stages.at(-1);
    if (now) [now.to, now.seconds] = [at + 1, last - now.began];
  });
  return stages;
}
