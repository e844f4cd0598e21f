import type { JobView } from "../../data/api";
import { jobPath } from "../../data/nav";
import { Empty, Status } from "../../kit/basic";
import { Icon } from "../../kit/Icon";
import { Go } from "../../kit/Go";
import { Reference } from "./Reference";

interface Item {
  port: string;
  type: string;
  path: string;
  asset?: string;
}

const list = (ports: Record<string, any> | undefined): Item[] =>
  Object.entries(ports ?? {})
    .filter(([, item]) => typeof item === "object" && item?.path)
    .map(([port, item]) => ({ port, type: item.type ?? "", path: String(item.path), asset: item.asset }));

export default function Lineage({ job }: { job: JobView }) {
  const inputs = list((job as any).inputs);
  const outputs = list((job as any).outputs);
  if (!inputs.length && !outputs.length) return <Empty title="Neither inputs nor outputs">A job that reads `inputs` and writes `outputs` shows here where its data come from and go to.</Empty>;
  return (
    <div className="scroll" style={{ paddingTop: 16 }}>
      <div style={{ display: "grid", gridTemplateColumns: "minmax(0,1fr) 40px minmax(200px, 260px) 40px minmax(0,1fr)", alignItems: "center", gap: 8, maxWidth: 1100 }}>
        <Side items={inputs} empty="Reads no data" />
        <Arrow />
        <div className="card" style={{ padding: 12, borderColor: "var(--accent)" }}>
          <b className="clip" style={{ display: "block" }}>{job.display_name}</b>
          <Status status={job.status} reused={!!job.reused_from} />
          {job.reused_from && <div className="dim">result of <Go to={jobPath(job.reused_from)}>{job.reused_from}</Go></div>}
        </div>
        <Arrow />
        <Side items={outputs} empty="Writes no named output" />
      </div>
    </div>
  );
}

const Arrow = () => <span className="dim" style={{ justifySelf: "center" }}><Icon name="right" /></span>;

const Side = ({ items, empty }: { items: Item[]; empty: string }) => (
  <div className="stack" style={{ gap: 8 }}>
    {items.length === 0 && <div className="note">{empty}</div>}
    {items.map((item) => (
      <div key={item.port} className="card" style={{ padding: "8px 12px" }}>
        <div className="row">
          <Icon name={/model/.test(item.type) ? "models" : item.type === "uri_file" ? "file" : "data"} />
          <b className="clip grow">{item.port}</b>
          <span className="dim">{item.type}</span>
        </div>
        <Origin item={item} />
      </div>
    ))}
  </div>
);

function Origin({ item }: { item: Item }) {
  const [kind, name, version] = (item.asset ?? "").split(":");
  if (name && (kind === "data" || kind === "model")) return <Go to={`/${kind === "data" ? "data" : "models"}/${encodeURIComponent(name)}`} search={{ version }} className="link mono">{name}:{version}</Go>;
  const made = /\/paths\/azureml\/([^/]+)\/([^/]+)\/?/.exec(item.path);
  if (made) return <div className="dim">output of <Go to={jobPath(made[1]!)} className="link mono">{made[1]}</Go></div>;
  return <Reference text={item.path} />;
}
