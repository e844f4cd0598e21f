import { lazy, Suspense } from "react";
import { toast } from "../../kit/toast";
import type { JobView } from "../../data/api";
import { useAction, useApi, useRefetchSoon, useTopic } from "../../data/hooks";
import { jobPath, useAddress, useGo, useName } from "../../data/nav";
import { Answer, Button, Chip, Failure, Skeleton, Status } from "../../kit/basic";
import { Menu } from "../../kit/opener";
import { Go, Tabs } from "../../kit/Go";
import { between, duration } from "../../lib/format";
import { quote, rest } from "../../lib/snippets";
import { isLive } from "../../lib/status";
import { PageHead } from "../../shell/PageHead";
import { useCommands } from "../../shell/state";
import { useNow } from "./clock";
import { Overview } from "./Overview";

const Charts = lazy(() => import("./Charts"));
const Logs = lazy(() => import("./Logs"));
const Outputs = lazy(() => import("./Outputs"));
const Code = lazy(() => import("./CodeTab"));
const Environment = lazy(() => import("./Environment"));
const Lineage = lazy(() => import("./Lineage"));
const Pipeline = lazy(() => import("../../graph/PipelineRun"));
const Timeline = lazy(() => import("../../graph/Timeline"));

export function Page() {
  const name = useName();
  const job = useApi("jobs.show", { name }, { placeholderData: undefined });
  const refetch = useRefetchSoon(["jobs.show", "jobs.facts", "metrics.list", "jobs.files"], 120);
  useTopic(job.data && isLive(job.data.status) ? `runs/${name}` : null, refetch);
  if (job.error && !job.data) {
    return (
      <>
        <PageHead title={name} crumbs={[{ title: "Jobs", to: "/jobs" }]} />
        <div className="scroll"><Failure error={job.error} retry={() => void job.refetch()} /></div>
      </>
    );
  }
  return (
    <Answer of={job}>{(data) => <Run job={data} key={data.name} busy={job.isFetching} />}</Answer>
  );
}

/** A run that a script logged by itself: there is no document to submit again. */
export const isTracked = (job: JobView): boolean => job.type === "command" && !(job as { command?: string }).command;

const shortName = (job: JobView) => job.display_name || job.name;

function Run({ job, busy }: { job: JobView; busy: boolean }) {
  const [address] = useAddress();
  const go = useGo();
  const pipeline = job.type === "pipeline";
  const live = isLive(job.status);
  const now = useNow(live);
  const cancel = useAction("jobs.cancel", "Asked the job to end");
  const archive = useAction("jobs.archive", "Archived");
  const restore = useAction("jobs.restore", "Restored");
  const resume = useAction("jobs.resume", (made) => {
    toast.success("Runs again; what completed is kept");
    go(jobPath(made.name));
  });
  const again = () => go("/submit", { from: job.name });
  const failed = job.status === "Failed" || job.status === "Canceled";
  const root = !job.parent_job_name;
  const tracked = isTracked(job);
  const tabs = pipeline
    ? ([["graph", "Graph"], ["timeline", "Timeline"], ["overview", "Overview"], ["charts", "Charts"], ["outputs", "Outputs"], ["lineage", "Lineage"]] as const)
    : ([["overview", "Overview"], ["charts", "Charts"], ["logs", "Logs"], ["outputs", "Outputs"], ["code", "Code"], ["environment", "Environment"], ["lineage", "Lineage"]] as const);
  const tab = tabs.some(([key]) => key === address.tab) ? address.tab! : tabs[0][0];
  useCommands([
    ...(tracked ? [] : [{ id: "again", title: "Resubmit with edits", icon: "retry", run: again }]),
    ...(live ? [{ id: "stop", title: "Stop this job", icon: "stop", run: () => cancel.mutate({ name: job.name }) }] : []),
    ...(failed && pipeline && root ? [{ id: "resume", title: "Run again what failed", icon: "retry", run: () => resume.mutate({ name: job.name }) }] : []),
    ...tabs.map(([key, title]) => ({ id: key, title: `Open ${title}`, icon: "right", run: () => go(jobPath(job.name), { tab: key }) })),
  ]);
  const seconds = between(job.started_at, job.ended_at, now);
  return (
    <>
      <PageHead
        title={shortName(job)}
        crumbs={[{ title: pipeline ? "Pipelines" : "Jobs", to: pipeline ? "/pipelines" : "/jobs" }, ...(job.parent_job_name ? [{ title: job.parent_job_name, to: jobPath(job.parent_job_name) }] : [])]}
        busy={busy}
        status={
          <span className="row" style={{ flex: "none" }}>
            <Status status={job.status} reused={!!job.reused_from} />
            {seconds !== undefined && <span className="dim">{duration(seconds)}</span>}
            {job.archived && <Chip>archived</Chip>}
            {(job.attempt ?? 0) > 0 && <Chip kind="warn">attempt {(job.attempt ?? 0) + 1}</Chip>}
          </span>
        }
        snippets={{
          python: `from zaffre import Workspace\n\nws = Workspace.from_home()\njob = ws.jobs.get(${JSON.stringify(job.name)})\nprint(job.status)${live ? `\nws.jobs.stream(job.name)` : ""}`,
          cli: `zaffre job show --name ${quote(job.name)}${live ? `\nzaffre job stream --name ${quote(job.name)}` : ""}`,
          rest: rest("jobs.show", { name: job.name }),
        }}
        actions={
          <>
            {live && <Button icon="stop" kind="danger" disabled={cancel.isPending || job.status === "CancelRequested"} onClick={() => cancel.mutate({ name: job.name })}>Stop</Button>}
            {failed && root && !tracked && <Button icon="retry" disabled={resume.isPending} onClick={() => resume.mutate({ name: job.name })}>{pipeline ? "Retry failed" : "Retry"}</Button>}
            {root && !tracked && <Button icon="retry" kind="primary" onClick={again}>Resubmit</Button>}
            <Menu
              trigger={<Button icon="more" kind="ghost" aria-label="More actions" />}
              items={[
                { label: "Compare with others", icon: "split", run: () => go("/compare", { runs: job.name }) },
                job.archived ? { label: "Restore", icon: "archive", run: () => restore.mutate({ name: job.name }) } : { label: "Archive", icon: "archive", disabled: live && "It runs: stop it first", run: () => archive.mutate({ name: job.name }) },
              ]}
            />
          </>
        }
      />
      <Notices job={job} />
      <Tabs tabs={tabs.map(([key, title]) => [key, title] as const)} />
      <Suspense fallback={<Skeleton />}>
        {tab === "graph" && <Pipeline job={job} />}
        {tab === "timeline" && <Timeline job={job} />}
        {tab === "overview" && <Overview job={job} />}
        {tab === "charts" && <Charts job={job} />}
        {tab === "logs" && <Logs job={job} />}
        {tab === "outputs" && <Outputs job={job} />}
        {tab === "code" && <Code job={job} />}
        {tab === "environment" && <Environment job={job} />}
        {tab === "lineage" && <Lineage job={job} />}
      </Suspense>
    </>
  );
}

/** What a person must know before anything else. */
function Notices({ job }: { job: JobView }) {
  const error = job.error as { message?: string; hint?: string; code?: string } | null | undefined;
  const waits = ["Queued", "Preparing", "NotStarted"].includes(job.status) && job.reason;
  if (!error && !job.reused_from && !waits) return null;
  return (
    <div className="col" style={{ padding: "0 var(--gutter) 8px" }}>
      {job.reused_from && (
        <div className="note row">
          <Chip kind="cache">reused</Chip>
          <span>
            This is the result of <Go to={jobPath(job.reused_from)} className="link mono">{job.reused_from}</Go>
            {job.saved_s ? `: ${duration(job.saved_s)} saved` : ""}
          </span>
        </div>
      )}
      {error && (
        <div className="error">
          <div className="col grow" style={{ gap: 2 }}>
            <div className="pre" style={{ maxHeight: 120, overflow: "auto" }}>{error.message ?? job.reason}</div>
            {error.hint && <div className="ink2 pre">{error.hint}</div>}
          </div>
          {job.type !== "pipeline" && <Go to={jobPath(job.name)} search={{ tab: "logs" }} className="btn small">Open the log</Go>}
        </div>
      )}
      {waits && <div className="note">{job.reason}</div>}
    </div>
  );
}
