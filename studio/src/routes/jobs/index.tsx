import { useMemo, useRef, useState, type KeyboardEvent } from "react";
import { ApiError } from "../../data/client";
import { useAction } from "../../data/hooks";
import { jobPath, useGo } from "../../data/nav";
import { Answer, Button, Chip, Empty, FilterField, Segments } from "../../kit/basic";
import { Menu } from "../../kit/opener";
import { Grid } from "../../kit/Grid";
import { count as counted } from "../../lib/format";
import { quote, rest } from "../../lib/snippets";
import { isLive } from "../../lib/status";
import { PageHead } from "../../shell/PageHead";
import { ColumnPicker } from "./ColumnPicker";
import { idOf, isGroup, makeColumns, titleOf, type Row } from "./columns";
import { Panels } from "./Panels";
import { useJobs, valueOf, type Jobs, type ViewName } from "./state";
import { Views } from "./Views";

const VIEWS = [["table", "Table", "table"], ["split", "Split", "split"], ["charts", "Charts", "chart"]] as const;

export function Page() {
  const jobs = useJobs();
  const go = useGo();
  const { address, setAddress, query, pages, count, rows } = jobs;
  const failed = pages.error instanceof ApiError && pages.error.status === 400 ? pages.error : null;
  const said = { ...query, max_results: 200 };
  return (
    <>
      <PageHead
        title="Jobs"
        busy={pages.isFetching}
        status={<span className="dim" aria-live="polite">{count.data ? counted(count.data.count) : ""}</span>}
        snippets={{
          python: `from zaffre import Workspace\n\nws = Workspace.from_home()\nfor run in ws.runs.search(${[query.filter && `filter=${JSON.stringify(query.filter)}`, query.order_by.length && `order_by=${JSON.stringify(query.order_by)}`].filter(Boolean).join(", ")}):\n    print(run.name, run.status, run.metrics)`,
          cli: ["zaffre run list", query.filter && `--filter ${quote(query.filter)}`, query.order_by.length && `--order-by ${query.order_by.map(quote).join(" ")}`, "--max-results 200"].filter(Boolean).join(" "),
          rest: rest("runs.search", said),
        }}
        actions={
          <>
            <Views jobs={jobs} />
            <Button kind="primary" icon="plus" onClick={() => go("/submit")}>Submit</Button>
          </>
        }
      />
      <div className="toolbar">
        <FilterField mono bad={!!failed} value={address.q ?? ""} onChange={(q) => setAddress({ q, eyes: undefined })} placeholder="metrics.loss < 0.3 and params.model = 'tree', or a name" label="Filter runs" />
        <Menu
          trigger={<Button icon="group">{jobs.group ? titleOf(jobs.group) : "Group"}</Button>}
          items={[
            { label: "Group by", heading: true },
            { label: "Nothing", icon: jobs.group ? undefined : "check", run: () => setAddress({ group: undefined }) },
            ...["experiment_name", "status", "type", "compute", ...jobs.keys.filter((key) => key.kind !== "metrics").sort((one, other) => other.runs - one.runs).slice(0, 25).map((key) => `${key.kind}.${key.key}`)].map((name) => ({ label: titleOf(name), icon: jobs.group === name ? "check" : undefined, run: () => setAddress({ group: name }) })),
          ]}
        />
        <ColumnPicker jobs={jobs} />
        <Menu
          trigger={<Button icon="more" aria-label="More" />}
          items={[
            { label: "Steps of pipelines too", checked: address.steps === "1", run: () => setAddress({ steps: address.steps === "1" ? undefined : "1" }) },
            { label: "Archived ones too", checked: address.listed === "all", run: () => setAddress({ listed: address.listed === "all" ? undefined : "all" }) },
          ]}
        />
        <Segments label="View" value={jobs.view} options={VIEWS} onChange={(view: ViewName) => setAddress({ view: view === "split" ? undefined : view })} />
      </div>
      {failed && <div style={{ padding: "0 16px 8px" }}><WrongFilter error={failed} text={query.filter ?? ""} /></div>}
      <Selection jobs={jobs} />
      <Answer of={{ data: failed && !pages.data ? ({} as object) : pages.data, error: failed ? null : pages.error, isFetching: pages.isFetching, refetch: pages.refetch }}>
        {() => (rows.length === 0 && !failed && !pages.isFetching ? <Nothing jobs={jobs} /> : <Body jobs={jobs} />)}
      </Answer>
    </>
  );
}

function WrongFilter({ error, text }: { error: ApiError; text: string }) {
  return (
    <div className="error" role="alert">
      <div className="grow">
        {error.column !== undefined && <pre className="mono" style={{ overflow: "auto" }}>{text}{"\n"}{" ".repeat(Math.max(0, error.column - 1))}<b style={{ color: "var(--bad)" }}>^</b></pre>}
        <div>{error.message}</div>
        {error.hint && <div className="ink2">{error.hint}</div>}
      </div>
    </div>
  );
}

function Nothing({ jobs }: { jobs: Jobs }) {
  const go = useGo();
  const { address, setAddress } = jobs;
  if (address.q) {
    return (
      <Empty title="No run matches" action={<button type="button" className="chip" style={{ height: 24 }} onClick={() => setAddress({ q: undefined })}><span className="mono">{address.q}</span> ×</button>}>
        0 runs match the filter. Take it away to see all of them.
      </Empty>
    );
  }
  return (
    <Empty title="No job has run yet" snippet={"import mlflow\n\nwith mlflow.start_run():\n    mlflow.log_metric(\"loss\", 0.3)"} action={<Button kind="primary" onClick={() => go("/submit")}>Submit a job</Button>}>
      Submit one here or with `zaffre job create`, or track any script with MLflow, pointed at this server.
    </Empty>
  );
}

function Body({ jobs }: { jobs: Jobs }) {
  const [left, setLeft] = useState(() => Number(localStorage.getItem("zaffre.split") ?? 52));
  const box = useRef<HTMLDivElement>(null);
  const resize = (to: number) => {
    const next = Math.max(25, Math.min(75, to));
    setLeft(next);
    localStorage.setItem("zaffre.split", String(next));
  };
  if (jobs.view === "table") return <div className="full"><Table jobs={jobs} /></div>;
  if (jobs.view === "charts") return <div className="full"><Panels jobs={jobs} /></div>;
  return (
    <div className="split" ref={box} style={{ "--left": `${left}%` } as never}>
      <section aria-label="Runs"><Table jobs={jobs} /></section>
      <div
        className="bar"
        role="separator"
        aria-label="Width of the table"
        aria-orientation="vertical"
        aria-valuenow={Math.round(left)}
        aria-valuemin={25}
        aria-valuemax={75}
        tabIndex={0}
        onKeyDown={(event) => (event.key === "ArrowLeft" ? resize(left - 2) : event.key === "ArrowRight" && resize(left + 2))}
        onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
        onPointerMove={(event) => {
          if (!event.currentTarget.hasPointerCapture(event.pointerId)) return;
          const { left: from, width } = box.current!.getBoundingClientRect();
          resize(((event.clientX - from) / width) * 100);
        }}
      />
      <section aria-label="Charts"><Panels jobs={jobs} /></section>
    </div>
  );
}

function Table({ jobs }: { jobs: Jobs }) {
  const go = useGo();
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const toggleGroup = (group: string) => setClosed((now) => { const next = new Set(now); if (!next.delete(group)) next.add(group); return next; });
  const columns = useMemo(() => makeColumns(jobs, toggleGroup), [jobs.columns, jobs.visible.join(), jobs.baseline, [...jobs.selected].join(), jobs.keys, jobs.group, jobs.rows]);
  const rows = useMemo((): Row[] => {
    if (!jobs.group) return jobs.rows;
    const by = new Map<string, Row[]>();
    for (const row of jobs.rows) {
      const key = String(valueOf(row, jobs.group) ?? "(none)");
      (by.get(key) ?? by.set(key, []).get(key)!).push(row);
    }
    return [...by].flatMap(([group, inside]) => [{ group, rows: inside as never, open: !closed.has(group) }, ...(closed.has(group) ? [] : inside)]);
  }, [jobs.rows, jobs.group, closed]);
  const press = (key: string, row: Row, event: KeyboardEvent): boolean => {
    if (isGroup(row)) {
      if (key === "Enter" || key === " ") toggleGroup(row.group);
      return key === "Enter" || key === " ";
    }
    if (key === " ") jobs.toggle(row.name);
    else if (key === "x" || key === "X") {
      const next = new Set(jobs.selected);
      if (event.shiftKey) {
        const names = jobs.rows.map((item) => item.name);
        const last = Math.max(...[...next].map((name) => names.indexOf(name)).filter((at) => at >= 0 && at <= names.indexOf(row.name)), 0);
        for (const name of names.slice(last, names.indexOf(row.name) + 1)) next.add(name);
      } else if (!next.delete(row.name)) next.add(row.name);
      jobs.select(next);
    } else if (key === "p") jobs.setAddress({ base: jobs.baseline === row.name ? undefined : row.name });
    else if (key === "c") go("/compare", { runs: [...(jobs.selected.size ? jobs.selected : jobs.visible)].join("~"), base: jobs.baseline });
    else return false;
    return true;
  };
  return (
    <Grid
      rows={rows}
      columns={columns}
      id={idOf}
      label="Runs"
      selected={jobs.selected}
      sort={jobs.address.sort}
      onSort={(sort) => jobs.setAddress({ sort })}
      onKey={press}
      onEnd={() => jobs.pages.hasNextPage && !jobs.pages.isFetchingNextPage && void jobs.pages.fetchNextPage()}
      total={jobs.count.data?.count}
      rowClass={(row) => (isGroup(row) ? "group" : "")}
      open={(row) => (isGroup(row) ? toggleGroup(row.group) : go(jobPath(row.name)))}
    />
  );
}

function Selection({ jobs }: { jobs: Jobs }) {
  const go = useGo();
  const archive = useAction("jobs.archive");
  const cancel = useAction("jobs.cancel");
  const names = [...jobs.selected];
  if (!names.length) return null;
  const rows = jobs.rows.filter((row) => jobs.selected.has(row.name));
  const live = rows.filter((row) => isLive(row.status));
  const ended = rows.filter((row) => !isLive(row.status));
  const done = () => jobs.select(new Set());
  return (
    <div className="row wrap" style={{ padding: "0 16px 8px" }} role="region" aria-label="Selected runs">
      <Chip kind="accent">{names.length} selected</Chip>
      <Button kind="small" icon="split" onClick={() => go("/compare", { runs: names.join("~"), base: jobs.baseline })}>Compare</Button>
      <Button kind="small" icon="eye" onClick={() => jobs.setAddress({ eyes: names.join("~"), sel: undefined })}>Show only these</Button>
      {names.length === 1 && <Button kind="small" icon="pin" onClick={() => jobs.setAddress({ base: names[0], sel: undefined })}>Baseline</Button>}
      {live.length > 0 && <Button kind="small danger" icon="stop" onClick={() => { for (const row of live) cancel.mutate({ name: row.name }); done(); }}>Stop {live.length}</Button>}
      {ended.length > 0 && <Button kind="small" icon="archive" onClick={() => { for (const row of ended) archive.mutate({ name: row.name }); done(); }}>Archive {ended.length}</Button>}
      <Button kind="small ghost" onClick={done}>Clear</Button>
    </div>
  );
}

