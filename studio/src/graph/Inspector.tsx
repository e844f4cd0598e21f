import type { JobView, StepState } from "../data/api";
import { useApi } from "../data/hooks";
import { jobPath } from "../data/nav";
import { Button, Chip, KeyValues, Status } from "../kit/basic";
import { Go } from "../kit/Go";
import { ago, between, bytes, duration, moment } from "../lib/format";
import { isLive } from "../lib/status";
import { useNow } from "../routes/run/clock";
import { Reference } from "../routes/run/Reference";

export function Inspector({ step, name, close, pipeline }: { step: StepState | undefined; name: string; close: () => void; pipeline: JobView }) {
  const live = isLive(step?.status ?? "NotStarted");
  const now = useNow(live);
  const job = useApi("jobs.show", { name: step?.job }, { enabled: !!step });
  const cause = useApi("jobs.cause", { name: step?.job }, { enabled: !!step && step.type !== "pipeline" });
  const error = step?.error as { message?: string; hint?: string } | null | undefined;
  const outputs = Object.entries(((job.data as any)?.outputs ?? {}) as Record<string, any>).filter(([, item]) => item?.path);
  const inputs = Object.entries(((job.data as any)?.inputs ?? {}) as Record<string, any>);
  return (
    <aside className="inspector" aria-label={`Step ${name}`} tabIndex={0}>
      <div className="row" style={{ padding: "12px 12px 8px 16px" }}>
        <h2 className="grow clip" title={name}>{name}</h2>
        <Button kind="ghost small" icon="close" tip="Close" onClick={close} />
      </div>
      <div className="stack" style={{ padding: "0 16px 24px", gap: 14 }}>
        <div className="row wrap">
          <Status status={step?.status ?? "NotStarted"} reused={!!step?.reused_from} />
          {step?.reused_from && <Chip kind="cache">saved {duration(step.saved_s ?? 0)}</Chip>}
          {!!step?.attempt && <Chip kind="warn">attempt {step.attempt + 1}</Chip>}
        </div>
        {!step && <p className="dim">Its turn has not come: it starts when what it reads is there.</p>}
        {step && (
          <div className="row wrap">
            {step.type === "pipeline" ? <Go to={jobPath(step.job)} className="btn small">Open the pipeline</Go> : <Go to={jobPath(step.job)} search={{ tab: "logs" }} className="btn small">Logs</Go>}
            <Go to={jobPath(step.job)} className="btn small">Overview</Go>
            <Go to={jobPath(step.job)} search={{ tab: "outputs" }} className="btn small">Outputs</Go>
          </div>
        )}
        {error?.message && <div className="error"><div className="pre">{error.message}{error.hint && <div className="ink2">{error.hint}</div>}</div></div>}
        {cause.data && (
          <section>
            <h3 className="dim">{step?.reused_from ? "Why it was reused" : "Why it ran"}</h3>
            {!cause.data.cause.startsWith("reused from") && <p>{cause.data.cause}</p>}
            {(step?.reused_from ?? cause.data.compared_with) && <p className="dim">{step?.reused_from ? "It is the result of" : "compared with"} <Go to={jobPath((step?.reused_from ?? cause.data.compared_with)!)} className="link mono">{step?.reused_from ?? cause.data.compared_with}</Go></p>}
          </section>
        )}
        {step?.reason && !step.reused_from && !error && <p className="ink2">{step.reason}</p>}
        {step && (
          <KeyValues
            items={[
              ["Job", <Go to={jobPath(step.job)} className="link mono">{step.job}</Go>],
              ["Duration", step.reused_from ? "" : duration(between(step.started_at, step.ended_at, now))],
              ["Started", step.started_at && <span title={moment(step.started_at)}>{ago(step.started_at)}</span>],
              ["Compute", job.data?.compute ?? pipeline.compute],
            ]}
          />
        )}
        {inputs.length > 0 && (
          <section className="col" style={{ gap: 4 }}>
            <h3 className="dim">Inputs</h3>
            {inputs.map(([port, item]) => (
              <div key={port} className="row" style={{ gap: 12 }}>
                <span className="ink2" style={{ minWidth: 72 }}>{port}</span>
                <span className="grow clip">{typeof item === "object" ? <Reference text={String(item?.path ?? "")} /> : <span className="mono">{String(item)}</span>}</span>
              </div>
            ))}
          </section>
        )}
        {outputs.length > 0 && (
          <section className="col" style={{ gap: 4 }}>
            <h3 className="dim">Outputs</h3>
            {outputs.map(([port, item]) => (
              <div key={port} className="row" style={{ gap: 12 }}>
                <Go to={jobPath(step!.job)} search={{ tab: "outputs", output: port }}>{port}</Go>
                <span className="dim grow">{item.type}</span>
                <span className="dim">{item.bytes !== undefined ? bytes(item.bytes) : ""}</span>
              </div>
            ))}
          </section>
        )}
        {(job.data as any)?.command && (
          <section className="col" style={{ gap: 4 }}>
            <h3 className="dim">Command</h3>
            <pre className="code pre" style={{ whiteSpace: "pre-wrap" }}>{(job.data as any).command}</pre>
          </section>
        )}
      </div>
    </aside>
  );
}
