// Convert a version to ONNX in a job that proves that both say the same.
import { useState } from "react";
import { useAction, useApi } from "../../data/hooks";
import { jobPath, useGo } from "../../data/nav";
import { Button, Card, Chip, Failure } from "../../kit/basic";
import { Modal } from "../../kit/dialog";
import { Icon } from "../../kit/Icon";
import type { AssetView } from "../../data/api";
import { checklist } from "../../lib/model";
import { quote } from "../../lib/snippets";

export function ExportDialog({ item, close }: { item: AssetView; close: () => void }) {
  const go = useGo();
  const data = useApi("data.list", { max_results: 500 });
  const [to, setTo] = useState("");
  const [sample, setSample] = useState("");
  const [opset, setOpset] = useState("");
  const [rtol, setRtol] = useState("0.001");
  const [pickle, setPickle] = useState(false);
  const start = useAction("model.export", (job) => go(jobPath(job.name), { tab: "logs" }), ["jobs.", "runs."]);
  const cli = `zaffre model export ${quote(`${item.name}:${item.version}`)} --to onnx${to ? ` --to-name ${quote(to)}` : ""}${opset ? ` --opset ${opset}` : ""}${rtol !== "0.001" ? ` --rtol ${rtol}` : ""}${sample ? ` --sample ${quote(sample)}` : ""}${pickle ? " --allow-pickle" : ""}`;
  return (
    <Modal
      open
      close={close}
      title={`Export ${item.name}:${item.version} to ONNX`}
      actions={<Button kind="primary" disabled={start.isPending} onClick={() => start.mutate({ name: item.name, version: item.version, rtol: Number(rtol) || 0.001, ...(to ? { to_name: to } : {}), ...(opset ? { opset: Number(opset) } : {}), ...(sample ? { sample } : {}), ...(pickle ? { allow_pickle: true } : {}) })}>Start the export</Button>}
    >
      <p className="ink2">A job converts the model in its own environment and compares both on the same rows. The result is registered only if they agree; its report becomes the checklist of the new version.</p>
      <div style={{ display: "grid", gridTemplateColumns: "1fr 1fr", gap: 10 }}>
        <label className="col" style={{ gap: 4 }}>Name of the result<input className="input" value={to} placeholder={`${item.name}-onnx`} onChange={(event) => setTo(event.target.value)} /></label>
        <label className="col" style={{ gap: 4 }}>Rows to compare on<input className="input" list="samples" value={sample} placeholder="what the run read, or made up" onChange={(event) => setSample(event.target.value)} /></label>
        <label className="col" style={{ gap: 4 }}>Relative tolerance<input className="input" type="number" min={0} max={1} step="any" value={rtol} onChange={(event) => setRtol(event.target.value)} /></label>
        <label className="col" style={{ gap: 4 }}>Opset<input className="input" type="number" min={9} max={30} value={opset} placeholder="17" onChange={(event) => setOpset(event.target.value)} /></label>
      </div>
      <datalist id="samples">{data.data?.items.map((one) => <option key={one.name} value={`azureml:${one.name}:${one.version}`} />)}</datalist>
      <label className="row"><input type="checkbox" checked={pickle} onChange={(event) => setPickle(event.target.checked)} />Its files may be opened, although no job here made them</label>
      {start.error && <Failure error={start.error} />}
      <pre className="code">{cli}</pre>
    </Modal>
  );
}

const MARK = { true: ["s-done", "var(--ok)", "good"], false: ["s-fail", "var(--bad)", "not good"], null: ["s-wait", "var(--ink-3)", "not known"] } as const;

const PLATFORMS: Record<string, string> = { linux: "Linux", android: "Android", ios: "iOS" };

/** What the conversion proved. */
export function Conversion({ report }: { report: any }) {
  const platforms = Object.entries((report?.platforms ?? {}) as Record<string, { verdict: string; why: string }>);
  return (
    <Card title="Conversion to ONNX" actions={<Chip kind={report?.comparison?.agrees ? "ok" : "bad"}>{report?.comparison?.agrees ? "both say the same" : "not proved"}</Chip>}>
      <ul>
        {checklist(report).map((step) => {
          const [icon, color, said] = MARK[String(step.good) as "true"];
          return (
            <li key={step.title} className="check-item">
              <span style={{ color, marginTop: 2 }}><Icon name={icon} size={14} /><span className="sr">{said}</span></span>
              <b style={{ width: 130, flex: "none" }}>{step.title}</b>
              <span className="ink2">{step.detail}</span>
            </li>
          );
        })}
        {platforms.map(([name, told]) => (
          <li key={name} className="check-item">
            <span style={{ color: "var(--ink-3)", marginTop: 2 }}><Icon name="compute" size={14} /></span>
            <b style={{ width: 130, flex: "none" }}>{PLATFORMS[name] ?? name}</b>
            <span className="ink2"><b>{told.verdict}</b>: {told.why}</span>
          </li>
        ))}
      </ul>
    </Card>
  );
}
