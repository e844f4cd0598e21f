import type { ReactNode } from "react";
import type { ChartRun } from "../../charts/MetricPanel";
import { Bars } from "../../charts/MetricPanel";
import { Histogram, Parallel, Scatter, type Point } from "../../charts/points";
import { jobPath, useGo } from "../../data/nav";
import { Button } from "../../kit/basic";
import { slot } from "../../lib/slots";
import { titleOf } from "./columns";
import { valueOf, type Jobs, type Panel } from "./state";

export default function Others({ panel, jobs, runs, span, close, grip }: { panel: Panel; jobs: Jobs; runs: ChartRun[]; span: number; close: () => void; grip: ReactNode }) {
  const go = useGo();
  const names = panel.of.map(titleOf);
  const shown = new Map(runs.map((run) => [run.name, run]));
  const points: Point[] = jobs.rows.map((row) => ({ id: row.name, name: row.display_name || row.name, color: shown.has(row.name) ? slot(shown.get(row.name)!.slot).color : "--edge", strong: shown.has(row.name), at: panel.of.map((name) => number(valueOf(row, name))), text: panel.of.map((name) => String(valueOf(row, name) ?? "")) }));
  const whole = points.filter((point) => point.at.every((at) => at !== null));
  const open = (id: string) => go(jobPath(id));
  return (
    <section className="panel" style={{ gridColumn: `span ${span}` }} aria-label={names.join(", ")}>
      <header>
        <h3>{panel.kind === "parallel" ? names.join(" → ") : panel.kind === "scatter" ? `${names[1]} by ${names[0]}` : names[0]}</h3>
        {grip}
        <Button kind="ghost small" icon="close" tip="Take this chart away" onClick={close} />
      </header>
      <div className="plot">
        {panel.kind === "scatter" && <Scatter points={whole} names={names} height={210} open={open} />}
        {panel.kind === "parallel" && <Parallel points={points.filter((point) => point.text.every((text) => text !== ""))} names={names} height={240} open={open} />}
        {panel.kind === "histogram" && <Histogram values={whole.map((point) => point.at[0]!)} height={200} label={names[0]!} />}
        {panel.kind === "bar" && <Bars height={200} lines={whole.filter((point) => point.strong).map((point) => ({ id: point.id, name: point.name, color: point.color, at: point.at[0]! }))} />}
      </div>
      <div className="foot"><span>{panel.kind === "bar" ? whole.filter((point) => point.strong).length : whole.length} of {jobs.rows.length} loaded runs{jobs.pages.hasNextPage ? `; ${jobs.count.data?.count ?? "more"} match the filter` : ""}</span></div>
    </section>
  );
}

function number(at: unknown): number | null {
  if (typeof at === "number") return Number.isFinite(at) ? at : null;
  if (typeof at === "string" && at.trim() !== "" && Number.isFinite(Number(at))) return Number(at);
  return null;
}
