import { useState } from "react";
import { MetricPanel } from "../../charts/MetricPanel";
import { ChartBar, useChartSettings } from "../../charts/ChartBar";
import type { RunComparison } from "../../data/api";
import { useApi } from "../../data/hooks";
import { jobPath, useAddress, useGo } from "../../data/nav";
import { Answer, Button, Empty, Status } from "../../kit/basic";
import { Go } from "../../kit/Go";
import { listed } from "../../lib/filter";
import { ago, duration, value } from "../../lib/format";
import { assign, slot } from "../../lib/slots";
import { quote, rest } from "../../lib/snippets";
import { isLive } from "../../lib/status";
import { PageHead } from "../../shell/PageHead";
import { Diff } from "../run/CodeTab";

const PARTS: Record<string, string[]> = { table: ["params", "metrics", "tags", "inputs"], code: ["code"], environment: ["environment"], charts: ["metrics"] };

export function Page() {
  const [address, setAddress] = useAddress();
  const go = useGo();
  const names = listed(address.runs).slice(0, 100);
  const tab = PARTS[address.tab ?? ""] ? address.tab! : "table";
  const only = address.all !== "1";
  const request = { runs: names, baseline: address.base && names.includes(address.base) ? address.base : undefined, parts: PARTS[tab], only_differences: only && tab !== "charts" };
  const answer = useApi("runs.compare", request, { enabled: names.length > 0 });
  return (
    <>
      <PageHead
        title={`Compare ${names.length} run${names.length === 1 ? "" : "s"}`}
        crumbs={[{ title: "Jobs", to: "/jobs" }]}
        busy={answer.isFetching}
        snippets={{ python: `from zaffre import Workspace\n\nws = Workspace.from_home()\nfound = ws.runs.compare(${names.map((name) => JSON.stringify(name)).join(", ")})\nfor metric in found.metrics:\n    print(metric.key, metric.values)`, cli: `zaffre run compare ${names.map(quote).join(" ")}`, rest: rest("runs.compare", request) }}
        actions={tab !== "charts" && <Button aria-pressed={only} onClick={() => setAddress({ all: only ? "1" : undefined })}>Only differences</Button>}
      />
      {names.length === 0 ? (
        <Empty title="Nothing to compare" action={<Button kind="primary" onClick={() => go("/jobs")}>Choose runs</Button>}>Select runs in Jobs with X, then press C.</Empty>
      ) : (
        <>
          <CompareTabs now={tab} runs={address.runs!} base={address.base} />
          <Answer of={answer}>{(data) => (tab === "charts" ? <Charts data={data} /> : tab === "code" ? <Code data={data} /> : <Table data={data} tab={tab} setBase={(base) => setAddress({ base })} />)}</Answer>
        </>
      )}
    </>
  );
}

function CompareTabs({ now, runs, base }: { now: string; runs: string; base: string | undefined }) {
  return (
    <nav className="tabs" aria-label="Parts of this page">
      {[["table", "Values"], ["charts", "Charts"], ["code", "Code"], ["environment", "Packages"]].map(([key, title]) => (
        <Go key={key} to="/compare" search={{ runs, base, tab: key === "table" ? undefined : key }} className="" now={now === key}>{title}</Go>
      ))}
    </nav>
  );
}

function Head({ data, setBase }: { data: RunComparison; setBase: (base: string) => void }) {
  return (
    <thead>
      <tr>
        <th style={{ position: "sticky", left: 0, zIndex: 3 }}><span className="sr">Key</span></th>
        {data.runs.map((run) => (
          <th key={run.name} scope="col">
            <span className="row">
              <Go to={jobPath(run.name)} className="link clip" title={run.name}>{run.display_name || run.name}</Go>
              {run.name === data.baseline ? <span className="chip accent">baseline</span> : <Button kind="ghost small" icon="pin" tip="Make it the baseline" onClick={() => setBase(run.name)} />}
            </span>
          </th>
        ))}
      </tr>
    </thead>
  );
}

/** Losses, errors and times are better when they are less. */
const lessIsBetter = (key: string): boolean => /loss|error|err\b|rmse|mse|mae|mape|perplexity|time|latency|duration|wer\b/i.test(key);

function Table({ data, tab, setBase }: { data: RunComparison; tab: string; setBase: (base: string) => void }) {
  const wide = data.runs.length + 1;
  const texts = (title: string, items: RunComparison["params"]) =>
    items && items.length > 0 ? (
      <>
        <tr className="sec"><th colSpan={wide}>{title} · {items.length}</th></tr>
        {items.map((item) => {
          const base = item.values[data.runs.findIndex((run) => run.name === data.baseline)];
          return (
            <tr key={title + item.key}>
              <th scope="row" title={item.key}>{item.key}</th>
              {item.values.map((text, at) => <td key={at} className={`${item.differs && text !== base ? "diff" : ""} ${text === null ? "dim" : ""}`} title={text ?? ""}>{text ?? "–"}</td>)}
            </tr>
          );
        })}
      </>
    ) : null;
  const nothing = tab === "environment" ? !data.environment?.length : !data.params?.length && !data.metrics?.length && !data.tags?.length && !data.inputs?.length;
  return (
    <div className="cmp" tabIndex={0} role="region" aria-label="Comparison">
      <table>
        <Head data={data} setBase={setBase} />
        <tbody>
          {tab === "table" && (
            <>
              <tr><th scope="row">Status</th>{data.runs.map((run) => <td key={run.name}><Status status={run.status ?? ""} reused={!!run.reused_from} /></td>)}</tr>
              <tr><th scope="row">Created</th>{data.runs.map((run) => <td key={run.name} className="ink2">{ago(run.created_at)}</td>)}</tr>
              <tr><th scope="row">Duration</th>{data.runs.map((run) => <td key={run.name}>{duration(run.duration_s)}</td>)}</tr>
              {data.metrics && data.metrics.length > 0 && (
                <>
                  <tr className="sec"><th colSpan={wide}>Metrics · {data.metrics.length}</th></tr>
                  {data.metrics.map((item) => (
                    <tr key={item.key}>
                      <th scope="row" title={item.key}>{item.key}</th>
                      {item.values.map((at, number) => {
                        const delta = item.deltas[number];
                        const better = delta ? (delta < 0) === lessIsBetter(item.key) : undefined;
                        return (
                          <td key={number}>
                            {at === null ? <span className="dim">–</span> : value(at)}
                            {!!delta && <span className={`delta ${better ? "up" : "down"}`} style={{ marginLeft: 8, fontSize: 11 }}>{delta > 0 ? "+" : ""}{value(delta)} {better ? "better" : "worse"}</span>}
                          </td>
                        );
                      })}
                    </tr>
                  ))}
                </>
              )}
              {texts("Parameters", data.params)}
              {texts("Inputs", data.inputs)}
              {texts("Tags", data.tags)}
            </>
          )}
          {tab === "environment" && texts("Packages", data.environment)}
        </tbody>
      </table>
      {nothing && <p className="dim" style={{ padding: 16 }}>{data.runs.length > 1 ? "Nothing else differs." : "Add runs to compare: select them in Jobs."}</p>}
    </div>
  );
}

function Charts({ data }: { data: RunComparison }) {
  const [settings, setSettings] = useChartSettings();
  const [range, setRange] = useState<[number, number] | null>(null);
  const [most, setMost] = useState(12);
  const slots = assign(data.runs.map((run) => run.name), new Map());
  const runs = data.runs.map((run) => ({ name: run.name, title: run.display_name || run.name, slot: slots.get(run.name), live: isLive(run.status), baseline: run.name === data.baseline && data.runs.length > 2 }));
  const keys = data.metrics ?? [];
  if (!keys.length) return <Empty title="No metrics">None of these runs logged any.</Empty>;
  return (
    <>
      <div className="logbar" style={{ borderTop: 0 }}>
        <ChartBar settings={settings} onChange={setSettings} />
        <span className="legend" style={{ padding: 0 }}>{runs.map((run) => <span key={run.name}><i className="swatch" style={{ borderColor: `var(${run.baseline ? "--ink" : slot(run.slot).color})`, borderTopStyle: run.baseline ? "dashed" : "solid" }} /><span className="clip">{run.title}</span></span>)}</span>
      </div>
      <div className="panels" style={{ borderTop: "1px solid var(--line)" }} tabIndex={0} role="region" aria-label="Charts">
        {keys.slice(0, most).map((key) => <MetricPanel key={key.key} metric={key.key} runs={runs} settings={settings} range={range} onRange={setRange} span={4} />)}
        {keys.length > most && <Button style={{ gridColumn: "span 12" }} onClick={() => setMost(most + 12)}>{most} of {keys.length}: more</Button>}
      </div>
    </>
  );
}

function Code({ data }: { data: RunComparison }) {
  if (!data.code?.length) return <Empty title="Nothing to compare with">Name at least two runs.</Empty>;
  return (
    <div className="scroll" style={{ paddingTop: 12 }}>
      <div className="stack">
        {data.code.map((item) => (
          <section key={item.run} className="card">
            <header><h2 className="grow clip">{data.runs.find((run) => run.name === item.run)?.display_name ?? item.run}</h2>{item.commit && <span className="mono dim">{item.commit.slice(0, 10)}</span>}</header>
            <div className="body">
              {!item.known ? <p className="dim">One of the two has no stored code.</p> : item.same ? <p className="dim">The code is the same.</p> : (item.files ?? []).map((file) => (
                <div key={file.path} style={{ marginBottom: 12 }}>
                  <b className="mono">{file.path}</b> <span className="dim">{file.change}{file.note ? `: ${file.note}` : ""}</span>
                  {file.diff && <Diff text={file.diff} />}
                </div>
              ))}
            </div>
          </section>
        ))}
      </div>
    </div>
  );
}
