import { useState } from "react";
import type { JobView } from "../../data/api";
import { useAction, useApi } from "../../data/hooks";
import { jobPath } from "../../data/nav";
import { Button, Card, Copy, KeyValues, Tags } from "../../kit/basic";
import { Go } from "../../kit/Go";
import { ago, bytes, duration, moment, value } from "../../lib/format";
import { isLive } from "../../lib/status";
import { Reference } from "./Reference";

export function Overview({ job }: { job: JobView }) {
  const live = isLive(job.status);
  const metrics = useApi("metrics.list" as never, { name: job.name }, { refetchInterval: live ? 3_000 : false });
  const found = useApi("runs.compare" as never, { runs: [job.name], parts: ["params"] }, { refetchInterval: live ? 5_000 : false });
  const latest: { key: string; value: number | string; step: number; points: number }[] = (metrics.data as any)?.items ?? [];
  const logged: { key: string; values: (string | null)[] }[] = (found.data as any)?.params ?? [];
  const facts = (job.facts ?? {}) as Record<string, any>;
  const params = Object.entries({ ...facts.parameters, ...Object.fromEntries(logged.map((item) => [item.key, item.values[0]])) }) as [string, unknown][];
  const machine = facts.machine as Record<string, unknown> | undefined;
  const git = facts.git as Record<string, any> | undefined;
  const command = (job as any).command as string | undefined;
  return (
    <div className="scroll" style={{ paddingTop: 12 }}>
      <div className="two">
        <div className="stack">
          {latest.length > 0 && (
            <Card title={`Metrics · ${latest.length}`} flush actions={<Go to={jobPath(job.name)} search={{ tab: "charts" }} className="btn small ghost">Charts</Go>}>
              <div className="metricgrid">
                {latest.slice(0, 60).map((item) => (
                  <div key={item.key}>
                    <div className="k clip" title={item.key}>{item.key}</div>
                    <div className="v">{value(item.value)}</div>
                    <div className="dim" style={{ fontSize: 11 }}>{item.points > 1 ? `step ${item.step}, ${item.points} points` : "one point"}</div>
                  </div>
                ))}
              </div>
              {latest.length > 60 && <div className="dim" style={{ padding: "6px 12px" }}>60 of {latest.length}; all are in Charts</div>}
            </Card>
          )}
          {command && (
            <Card title="Command" actions={<Copy text={command} />}>
              <pre className="pre">{command}</pre>
            </Card>
          )}
          {params.length > 0 && (
            <Card title={`Parameters · ${params.length}`} flush>
              <div style={{ overflow: "auto", maxHeight: 420 }} tabIndex={0} role="region" aria-label="Parameters">
                <table className="plain">
                  <tbody>
                    {params.map(([key, item]) => (
                      <tr key={key}>
                        <td className="ink2" style={{ width: "40%" }} title={key}>{key}</td>
                        <td className="mono" title={String(item)}>{String(item)}</td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
            </Card>
          )}
          <Ports title="Inputs" items={(job as any).inputs} />
          <Ports title="Outputs" items={(job as any).outputs} job={job.name} />
        </div>
        <div className="stack">
          <Card title="Facts">
            <KeyValues
              items={[
                ["Name", <span className="row" style={{ gap: 2 }}><span className="mono clip">{job.name}</span><Copy text={job.name} /></span>],
                ["Type", job.type],
                ["Experiment", job.experiment_name && <Go to="/jobs" search={{ q: `experiment = '${job.experiment_name.replaceAll("'", "''")}'` }}>{job.experiment_name}</Go>],
                ["Parent", job.parent_job_name && <Go to={jobPath(job.parent_job_name)} className="link mono">{job.parent_job_name}</Go>],
                ["Compute", job.compute && <Go to="/compute">{job.compute}</Go>],
                ["Created", <span title={moment(job.created_at)}>{ago(job.created_at)} by {(job as any).creation_context?.created_by ?? "owner"}</span>],
                ["Started", job.started_at && <span title={moment(job.started_at)}>{ago(job.started_at)}</span>],
                ["Ended", job.ended_at && <span title={moment(job.ended_at)}>{ago(job.ended_at)}</span>],
                ["Duration", duration(job.duration_s)],
                ["Commit", git?.commit && <span className="mono" title={git.commit}>{String(git.commit).slice(0, 10)}{git.branch ? ` on ${git.branch}` : ""}{git.dirty ? ", with changes" : ""}</span>],
                ["Machine", machine && [machine.host, machine.cores && `${machine.cores} CPU`, machine.memory_mb && bytes(Number(machine.memory_mb) * 1e6)].filter(Boolean).join(", ")],
                ["Resumed from", facts.resumed_from && <Go to={jobPath(facts.resumed_from)} className="link mono">{facts.resumed_from}</Go>],
              ]}
            />
          </Card>
          <Note job={job} />
          {Object.keys(job.tags ?? {}).length > 0 && <Card title="Tags"><Tags tags={job.tags} /></Card>}
          {Array.isArray(facts.notes) && facts.notes.length > 0 && (
            <Card title="Said about the file">
              <ul className="col">{facts.notes.map((note: string) => <li key={note} className="ink2">{note}</li>)}</ul>
            </Card>
          )}
        </div>
      </div>
    </div>
  );
}

function Note({ job }: { job: JobView }) {
  const [text, setText] = useState<string | null>(null);
  const save = useAction("jobs.update", "Saved");
  return (
    <Card title="Note" actions={text === null && <Button kind="ghost small" onClick={() => setText(job.description ?? "")}>{job.description ? "Edit" : "Write one"}</Button>}>
      {text === null ? (
        <p className={`pre ${job.description ? "" : "dim"}`}>{job.description || "Nothing is written here."}</p>
      ) : (
        <div className="col">
          <textarea className="textarea" aria-label="Note" rows={4} value={text} autoFocus onChange={(event) => setText(event.target.value)} />
          <div className="row" style={{ justifyContent: "flex-end" }}>
            <Button onClick={() => setText(null)}>Cancel</Button>
            <Button kind="primary" disabled={save.isPending} onClick={() => save.mutate({ name: job.name, description: text }, { onSuccess: () => setText(null) })}>Save</Button>
          </div>
        </div>
      )}
    </Card>
  );
}

function Ports({ title, items, job }: { title: string; items: Record<string, any> | undefined; job?: string }) {
  const list = Object.entries(items ?? {}).filter(([, item]) => typeof item === "object"); // literals are parameters
  if (!list.length) return null;
  return (
    <Card title={title} flush>
      <table className="plain">
        <tbody>
          {list.map(([port, item]) => {
            const path = typeof item === "object" ? item?.path : undefined;
            return (
              <tr key={port}>
                <td className="ink2" style={{ width: "22%" }}>{job && path ? <Go to={jobPath(job)} search={{ tab: "outputs", output: port }}>{port}</Go> : port}</td>
                <td style={{ width: "16%" }} className="dim">{typeof item === "object" ? (item?.type ?? "") : ""}</td>
                <td>{typeof item === "object" ? path ? <Reference text={String(path)} /> : <span className="dim">not yet</span> : <span className="mono">{String(item)}</span>}</td>
                <td className="num dim">{item?.bytes !== undefined ? `${item.files ?? 1} file${item.files === 1 ? "" : "s"}, ${bytes(item.bytes)}` : ""}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </Card>
  );
}
