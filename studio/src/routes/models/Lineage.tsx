// Where a version comes from, and where it went: one hop each way, and further as a picture.
import { lazy, Suspense, type ReactNode } from "react";
import type { AssetView } from "../../data/api";
import { useApi } from "../../data/hooks";
import { assetPath, jobPath } from "../../data/nav";
import { Answer, Skeleton, Status } from "../../kit/basic";
import { Go } from "../../kit/Go";
import { Icon } from "../../kit/Icon";
import type { Deployed } from "./Overview";

const KINDS: Record<string, string> = { data: "data", model: "models", environment: "environments", component: "components" };

const LineageGraph = lazy(() => import("../../graph/LineageGraph"));

/** `kind:name:version`, or an address. */
function Named({ text }: { text: string }) {
  const found = /^(data|model|environment|component):([^:]+):(.+)$/.exec(text);
  if (found) return <Go to={assetPath(KINDS[found[1]!]!, found[2]!)} search={{ version: found[3] }} className="link mono">{found[2]}:{found[3]}</Go>;
  const job = /^job:([^:/]+)/.exec(text);
  if (job) return <Go to={jobPath(job[1]!)} className="link mono">{text}</Go>;
  return <span className="mono clip" title={text}>{text}</span>;
}

export function Lineage({ item }: { item: AssetView }) {
  const lineage = useApi("model.lineage", { name: item.name, version: item.version }, { placeholderData: undefined });
  const facts = item as any;
  const made = (facts.lineage ?? {}) as { job?: string; inputs?: string[]; git?: Record<string, string>; environment?: string; packages?: number };
  const derived = (facts.derived ?? []) as string[];
  const deployed = (facts.deployed ?? []) as Deployed[];
  return (
    <div className="scroll" style={{ paddingTop: 16 }}>
      <Answer of={lineage}>
        {(data) => (
          <div className="way">
            <div className="stack" style={{ gap: 8 }}>
              <h2 className="dim" style={{ fontSize: 12 }}>Made by</h2>
              {data.made_by.length === 0 && <div className="note">No job made it: it was registered by hand.</div>}
              {data.made_by.map((edge) => <Box key={edge.job + edge.port} icon="jobs" title={<Go to={jobPath(edge.job)} className="link mono">{edge.job}</Go>} about={<Status status={edge.job_status} />} />)}
              {(made.inputs ?? []).map((input) => <Box key={input} icon="data" title={<Named text={input} />} about="read by that job" />)}
              {made.git?.commit && <Box icon="branch" title={<span className="mono">{made.git.commit.slice(0, 12)}{made.git.dirty ? " with changes" : ""}</span>} about={[made.git.branch, made.git.remote].filter(Boolean).join(" of ")} />}
              {made.packages && <Box icon="environments" title={`${made.packages} packages`} about={made.job && <Go to={jobPath(made.job)} search={{ tab: "environment" }} className="link">the environment of that job</Go>} />}
            </div>
            <Arrow />
            <div className="card" style={{ padding: 12, borderColor: "var(--accent)" }}>
              <b className="clip" style={{ display: "block" }}>{item.name}</b>
              <span className="dim">version {item.version}</span>
            </div>
            <Arrow />
            <div className="stack" style={{ gap: 8 }}>
              <h2 className="dim" style={{ fontSize: 12 }}>Used by</h2>
              {deployed.length + derived.length + data.used_by.length === 0 && <div className="note">Nothing uses it yet.</div>}
              {deployed.map((one) => <Box key={one.kind + one.endpoint + one.deployment} icon="endpoints" title={<Go to={assetPath(one.kind === "batch" ? "batch-endpoints" : "endpoints", one.endpoint)} className="link">{one.endpoint}</Go>} about={`deployment ${one.deployment}${one.kind === "online" ? `, ${one.traffic ?? 0} % of the requests` : ", batch"}`} />)}
              {derived.map((ref) => <Box key={ref} icon="models" title={<Named text={`model:${ref}`} />} about="made of it" />)}
              {data.used_by.map((edge) => <Box key={edge.job + edge.port} icon="jobs" title={<Go to={jobPath(edge.job)} className="link mono">{edge.job}</Go>} about={<span className="row"><Status status={edge.job_status} />{edge.port && <span className="dim">as {edge.port}</span>}</span>} />)}
            </div>
          </div>
        )}
      </Answer>
      <section className="card further" aria-label="Further away">
        <Suspense fallback={<Skeleton />}><LineageGraph kind="model" name={item.name} version={item.version} /></Suspense>
      </section>
    </div>
  );
}

const Arrow = () => <span className="dim" style={{ justifySelf: "center" }}><Icon name="right" /></span>;
const Box = ({ icon, title, about }: { icon: string; title: ReactNode; about: ReactNode }) => (
  <div className="card" style={{ padding: "8px 12px" }}>
    <div className="row"><Icon name={icon} /><span className="clip grow">{title}</span></div>
    <div className="dim">{about}</div>
  </div>
);
