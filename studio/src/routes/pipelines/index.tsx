import { useMemo, useState } from "react";
import type { JobView } from "../../data/api";
import { useApi } from "../../data/hooks";
import { jobPath, useGo } from "../../data/nav";
import { Answer, Button, Empty, FilterField, Status } from "../../kit/basic";
import { Go } from "../../kit/Go";
import { Grid, type Column } from "../../kit/Grid";
import { ago, duration } from "../../lib/format";
import { list } from "../../lib/snippets";
import { isLive, look } from "../../lib/status";
import { PageHead } from "../../shell/PageHead";

interface Line {
  name: string;
  runs: JobView[]; // newest first
}
const COLORS: Record<string, string> = { ok: "--ok", bad: "--bad", accent: "--accent", cache: "--cache", dim: "--ink-3", warn: "--warn" };

export function Page() {
  const go = useGo();
  const [wanted, setWanted] = useState("");
  const jobs = useApi("jobs.list", { max_results: 1000 }, { refetchInterval: 30_000 });
  const lines = useMemo(() => {
    const by = new Map<string, Line>();
    for (const job of jobs.data?.items ?? []) {
      if (job.type !== "pipeline") continue;
      const name = titleOf(job);
      (by.get(name) ?? by.set(name, { name, runs: [] }).get(name)!).runs.push(job);
    }
    return [...by.values()];
  }, [jobs.data]);
  const shown = lines.filter((line) => line.name.toLowerCase().includes(wanted.toLowerCase()));
  return (
    <>
      <PageHead title="Pipelines" busy={jobs.isFetching} snippets={list("job", "jobs", "jobs.list")} actions={<Button kind="primary" icon="plus" onClick={() => go("/submit")}>Submit</Button>} />
      <Answer of={jobs}>
        {() =>
          lines.length === 0 ? (
            <Empty title="No pipeline has run yet" snippet="zaffre job create -f pipeline.yml --stream" action={<Button kind="primary" onClick={() => go("/submit")}>Submit one here</Button>}>
              A pipeline is a file of steps. What did not change since the last run is reused, and you are told why the rest runs.
            </Empty>
          ) : (
            <>
              <div className="toolbar"><FilterField value={wanted} onChange={setWanted} placeholder="Filter pipelines by name" /></div>
              <div className="full"><Grid rows={shown} columns={COLUMNS} id={(line) => line.name} label="Pipelines" open={(line) => go(jobPath(line.runs[0]!.name))} /></div>
            </>
          )
        }
      </Answer>
    </>
  );
}

const titleOf = (job: JobView): string => (job.display_name && job.display_name !== job.name ? job.display_name : (job.experiment_name ?? job.name));
const ended = (line: Line): JobView[] => line.runs.filter((job) => !isLive(job.status));
const rate = (line: Line): number => (ended(line).length ? ended(line).filter((job) => job.status === "Completed").length / ended(line).length : NaN);
const median = (line: Line): number => {
  const times = ended(line).map((job) => job.duration_s ?? 0).sort((one, other) => one - other);
  return times[Math.floor(times.length / 2)] ?? NaN;
};

const COLUMNS: Column<Line>[] = [
  { key: "name", title: "Pipeline", width: 280, grow: true, pin: true, sort: (one, other) => one.name.localeCompare(other.name), render: (line) => <Go to={jobPath(line.runs[0]!.name)} className="link clipt">{line.name}</Go> },
  { key: "status", title: "Last run", width: 150, render: (line) => <Status status={line.runs[0]!.status} /> },
  { key: "when", title: "When", width: 140, sort: (one, other) => (one.runs[0]!.created_at ?? "").localeCompare(other.runs[0]!.created_at ?? ""), render: (line) => <span className="dim">{ago(line.runs[0]!.created_at)}</span> },
  {
    key: "cells",
    title: "Last 20 runs",
    width: 210,
    render: (line) => {
      const most = Math.max(...line.runs.slice(0, 20).map((job) => job.duration_s ?? 0), 1);
      return (
        <span className="cells" role="img" aria-label={line.runs.slice(0, 20).map((job) => job.status).join(", ")}>
          {line.runs.slice(0, 20).reverse().map((job) => <i key={job.name} title={`${look(job.status).label}, ${duration(job.duration_s)}, ${ago(job.created_at)}`} style={{ background: `var(${COLORS[look(job.status).role]})`, height: `${25 + (75 * (job.duration_s ?? 0)) / most}%` }} />)}
        </span>
      );
    },
  },
  { key: "runs", title: "Runs", width: 80, end: true, sort: (one, other) => one.runs.length - other.runs.length, render: (line) => line.runs.length },
  { key: "rate", title: "Success", width: 90, end: true, sort: (one, other) => rate(one) - rate(other), render: (line) => (Number.isNaN(rate(line)) ? "" : `${Math.round(rate(line) * 100)} %`) },
  { key: "median", title: "Median", width: 100, end: true, sort: (one, other) => median(one) - median(other), render: (line) => duration(median(line)) },
];
