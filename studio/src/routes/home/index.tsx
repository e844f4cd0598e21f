import type { JobView } from "../../data/api";
import { useApi } from "../../data/hooks";
import { assetPath, jobPath, useGo } from "../../data/nav";
import { Button, Card, Copy, Skeleton, Status } from "../../kit/basic";
import { Go } from "../../kit/Go";
import { Icon } from "../../kit/Icon";
import { ago, between, count, duration } from "../../lib/format";
import { rest } from "../../lib/snippets";
import { isLive } from "../../lib/status";
import { PageHead } from "../../shell/PageHead";
import { useNow } from "../run/clock";

const isTracked = (job: JobView): boolean => job.type === "command" && !(job as { command?: string }).command;

export function Page() {
  const jobs = useApi("jobs.list", { max_results: 100 });
  const models = useApi("model.list", { max_results: 6 });
  const data = useApi("data.list", { max_results: 6 });
  const use = useApi("compute.use", {}, { refetchInterval: 15_000 });
  const all = jobs.data?.items ?? [];
  const running = all.filter((job) => isLive(job.status));
  const week = Date.now() - 7 * 86_400_000;
  const failed = all.filter((job) => job.status === "Failed" && Date.parse(job.ended_at ?? job.created_at ?? "") > week).slice(0, 6);
  const fresh = jobs.data && all.length === 0;
  return (
    <>
      <PageHead title="Home" busy={jobs.isFetching} snippets={{ python: "from zaffre import Workspace\n\nws = Workspace.from_home()\nfor job in ws.jobs.list(max_results=100):\n    print(job.name, job.status)", cli: "zaffre job list --max-results 100", rest: rest("jobs.list", { max_results: 100 }) }} actions={<SubmitButton />} />
      <div className="scroll">
        {!jobs.data ? (
          <Skeleton lines={8} />
        ) : (
          <div className="two">
            <div className="stack">
              {fresh ? <Begin /> : (
                <>
                  <Card title={failed.length ? `Needs a look · ${failed.length}` : "Needs a look"} flush>
                    {failed.length ? failed.map((job) => <Line key={job.name} job={job} why />) : <p className="dim" style={{ padding: 12 }}>Nothing failed in the last seven days.</p>}
                  </Card>
                  <Card title={running.length ? `Under way · ${running.length}` : "Under way"} flush>
                    {running.length ? running.slice(0, 10).map((job) => <Line key={job.name} job={job} />) : <p className="dim" style={{ padding: 12 }}>Nothing runs now.</p>}
                  </Card>
                  <Card title="Recent jobs" flush actions={<Go to="/jobs" className="btn small ghost">All jobs</Go>}>
                    {all.filter((job) => !isLive(job.status)).slice(0, 8).map((job) => <Line key={job.name} job={job} />)}
                  </Card>
                </>
              )}
            </div>
            <div className="stack">
              <Checklist jobs={all} models={models.data?.items.length ?? 0} data={data.data?.items.length ?? 0} />
              <Card title="Compute" actions={<Go to="/compute" className="btn small ghost">Details</Go>}>
                <div className="stack">
                  {use.data?.items.map((item) => {
                    const [busy, most] = item.instances ? [item.busy, item.instances] : [item.cpu_busy, item.cpu ?? 1];
                    return (
                      <div key={item.name} className="col" style={{ gap: 4 }}>
                        <div className="row"><b>{item.name}</b><span className="grow" /><span className="dim">{busy} of {most} {item.instances ? "instances" : "CPU"}{item.waiting_count ? `, ${item.waiting_count} waiting` : ""}</span></div>
                        <div className="meter"><i style={{ width: `${Math.min(100, (busy / most) * 100)}%` }} /></div>
                      </div>
                    );
                  })}
                </div>
              </Card>
              {!!models.data?.items.length && <Recent title="Models" kind="models" icon="models" items={models.data.items} />}
              {!!data.data?.items.length && <Recent title="Data" kind="data" icon="data" items={data.data.items} />}
            </div>
          </div>
        )}
      </div>
    </>
  );
}

function SubmitButton() {
  const go = useGo();
  return <Button kind="primary" icon="plus" onClick={() => go("/submit")}>Submit</Button>;
}

function Line({ job, why }: { job: JobView; why?: boolean }) {
  const now = useNow(isLive(job.status));
  const error = job.error as { message?: string } | null | undefined;
  return (
    <Go to={jobPath(job.name)} className="row homeline">
      <Status status={job.status} label={false} />
      <span className="col grow" style={{ gap: 0 }}>
        <span className="row"><span className="clip" style={{ fontWeight: 550 }}>{job.display_name}</span>{job.type === "pipeline" && <span className="dim"><Icon name="pipelines" size={14} /></span>}<span className="dim clip">{job.experiment_name}</span></span>
        {why && (error?.message ?? job.reason) && <span className="dim clip">{(error?.message ?? job.reason ?? "").split("\n")[0]}</span>}
      </span>
      <span className="dim num" style={{ flex: "none" }}>{duration(between(job.started_at, job.ended_at, now))}</span>
      <span className="dim num" style={{ flex: "none", width: 104 }}>{ago(job.created_at)}</span>
    </Go>
  );
}

const Recent = ({ title, kind, icon, items }: { title: string; kind: string; icon: string; items: { name: string; version: string; created_at?: string | null }[] }) => (
  <Card title={title} flush actions={<Go to={`/${kind}`} className="btn small ghost">All</Go>}>
    {items.slice(0, 6).map((item) => (
      <Go key={item.name} to={assetPath(kind, item.name)} className="row homeline">
        <Icon name={icon} size={14} />
        <span className="clip grow">{item.name}</span>
        <span className="dim">version {item.version}</span>
        <span className="dim num" style={{ width: 104 }}>{ago(item.created_at)}</span>
      </Go>
    ))}
  </Card>
);

const TRACK = `import mlflow   # pip install mlflow-skinny

mlflow.set_tracking_uri("${new URL("mlflow/default", document.baseURI).href}")
with mlflow.start_run():
    mlflow.log_metric("loss", 0.3)`;

function Begin() {
  const go = useGo();
  const item = (title: string, text: string, action: React.ReactNode) => (
    <Card title={title}><div className="col"><p className="ink2">{text}</p>{action}</div></Card>
  );
  return (
    <>
      {item("Run a job", "Paste a file of Azure ML's YAML language, or start with a small one that is there already.", <div><Button kind="primary" icon="play" onClick={() => go("/submit", { sample: "hello" })}>Run a sample</Button></div>)}
      {item("See the whole of it", "A pipeline on real patient data: run, reused, changed, compared. In a terminal:", <div className="snippet"><pre>zaffre demo</pre><Copy text="zaffre demo" /></div>)}
      {item("Track a script", "Any script that logs with MLflow logs here. The token is in the link that `zaffre status` shows.", <div className="snippet"><pre>{TRACK}</pre><Copy text={TRACK} /></div>)}
    </>
  );
}

/** Ticked by what happened, not by clicks. */
function Checklist({ jobs, models, data }: { jobs: JobView[]; models: number; data: number }) {
  const steps: [boolean, string, string][] = [
    [jobs.some((job) => !isTracked(job)), "Submit a job", "/submit"],
    [jobs.some((job) => job.type === "pipeline"), "Run a pipeline", "/submit"],
    [jobs.some(isTracked), "Track a script with MLflow", "/"],
    [data > 0, "Register data", "/data"],
    [models > 0, "Register a model", "/models"],
  ];
  const done = steps.filter(([ticked]) => ticked).length;
  if (done === steps.length) return null;
  return (
    <Card title={`First steps · ${count(done)} of ${steps.length}`}>
      <div className="meter" style={{ marginBottom: 6 }}><i style={{ width: `${(done / steps.length) * 100}%`, background: "var(--ok)" }} /></div>
      {steps.map(([ticked, title, to]) => (
        <div key={title} className="check-item">
          <span className={`status ${ticked ? "ok" : "dim"}`}><Icon name={ticked ? "s-done" : "s-wait"} /></span>
          {ticked ? <span className="dim">{title}</span> : <Go to={to}>{title}</Go>}
        </div>
      ))}
    </Card>
  );
}
