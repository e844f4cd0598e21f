import { useQuery } from "@tanstack/react-query";
import type { AssetView } from "../../data/api";
import { send } from "../../data/client";
import { useApi, useWorkspace } from "../../data/hooks";
import { assetPath, jobPath } from "../../data/nav";
import { Answer, Button, Card, Chip, Copy, KeyValues, Tags } from "../../kit/basic";
import { Go } from "../../kit/Go";
import { ago, bytes, count, moment, value } from "../../lib/format";
import { goalOf, portsOf } from "../../lib/model";
import { longer, splitOf } from "../../lib/scoring";
import type { Decision } from "./Approval";
import { Conversion } from "./Export";

export interface Deployed {
  kind: "online" | "batch";
  endpoint: string;
  deployment: string;
  provisioning_state: string;
  traffic?: number | null;
}

export function Overview({ item, versions, decide }: { item: AssetView; versions: AssetView[] | undefined; decide: (decision: Decision) => void }) {
  const facts = item as any;
  const deployed = (facts.deployed ?? []) as Deployed[];
  return (
    <div className="scroll" style={{ paddingTop: 12 }}>
      <div className="two">
        <div className="stack">
          {item.description && <Card title="About"><p className="pre">{item.description}</p></Card>}
          {facts.conversion && <Conversion report={facts.conversion} />}
          <Metrics item={item} versions={versions} />
          <Signature signature={facts.signature} />
          <Example item={item} />
        </div>
        <div className="stack">
          <Approval of={facts.approval} decide={decide} />
          <Card title={`Deployed${deployed.length ? ` · ${deployed.length}` : ""}`} flush={deployed.length > 0}>
            {deployed.length === 0 ? (
              <p className="dim">It serves nowhere. Deploy puts it behind an endpoint.</p>
            ) : (
              <table className="plain"><tbody>{deployed.map((one) => <tr key={one.kind + one.endpoint + one.deployment}><td><Go to={assetPath(one.kind === "batch" ? "batch-endpoints" : "endpoints", one.endpoint)} className="link">{one.endpoint}</Go></td><td>{one.deployment}</td><td className="dim num">{one.kind === "batch" ? "batch" : `${one.traffic ?? 0} %`}</td></tr>)}</tbody></table>
            )}
          </Card>
          <Card title="Facts">
            <KeyValues
              items={[
                ["Version", <span className="mono">{item.version}</span>],
                ["Type", item.type],
                ["Flavors", facts.flavors && Object.keys(facts.flavors).join(", ")],
                ["Size", facts.bytes !== undefined && facts.bytes !== null ? `${bytes(facts.bytes)}${facts.files ? ` in ${count(facts.files)} file${facts.files === 1 ? "" : "s"}` : ""}` : undefined],
                ["Made by", item.job_name ? <Go to={jobPath(item.job_name)} className="link mono">{item.job_name}</Go> : "hand"],
                ["Created", item.created_at && <span title={moment(item.created_at)}>{ago(item.created_at)} by {facts.creation_context?.created_by ?? "owner"}</span>],
                ["MLflow", facts.mlflow_version],
                ["Use it as", <span className="row" style={{ gap: 2 }}><span className="mono clip">azureml:{item.name}:{item.version}</span><Copy text={`azureml:${item.name}:${item.version}`} /></span>],
                ["Path", item.path && <span className="row" style={{ gap: 2 }}><span className="mono clip" title={item.path}>{item.path}</span><Copy text={item.path} /></span>],
              ]}
            />
          </Card>
          {Object.keys(item.tags ?? {}).length > 0 && <Card title="Tags"><Tags tags={item.tags} /></Card>}
          {Object.keys(item.properties ?? {}).length > 0 && <Card title="Properties"><KeyValues items={Object.entries(item.properties ?? {}).map(([key, told]) => [key, String(told)] as const)} /></Card>}
        </div>
      </div>
    </div>
  );
}

/** The run's latest values, beside those of the champion. */
function Metrics({ item, versions }: { item: AssetView; versions: AssetView[] | undefined }) {
  const mine = (item.metrics ?? {}) as Record<string, number>;
  const isChampion = (item.labels ?? []).includes("champion");
  const there = versions?.find((one) => (one.labels ?? []).includes("champion"));
  const champion = useApi("model.show", { name: item.name, version: there?.version }, { enabled: !isChampion && !!there, placeholderData: undefined });
  const absent = versions !== undefined && !there;
  const theirs = (champion.data?.metrics ?? {}) as Record<string, number>;
  const beside = !isChampion && champion.data;
  const keys = [...new Set([...Object.keys(mine), ...(beside ? Object.keys(theirs) : [])])].sort();
  return (
    <Card title={isChampion ? "Metrics of the champion" : beside ? `Metrics against the champion, version ${champion.data.version}` : "Metrics"} flush={keys.length > 0}>
      {keys.length === 0 ? (
        <p className="dim">{item.job_name ? "The run that made it logged none." : "No run made it, so there are none."}</p>
      ) : (
        <table className="plain">
          {beside && <thead><tr><th>Metric</th><th className="num">This one</th><th className="num">Champion</th><th className="num">Difference</th></tr></thead>}
          <tbody>
            {keys.map((key) => (
              <tr key={key}>
                <td>{key}</td>
                <td className="num">{key in mine ? value(mine[key]) : <span className="dim">–</span>}</td>
                {beside && <td className="num">{key in theirs ? value(theirs[key]) : <span className="dim">–</span>}</td>}
                {beside && <td className="num"><Delta metric={key} mine={mine[key]} theirs={theirs[key]} /></td>}
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {absent && <p className="dim" style={{ padding: keys.length ? "8px 12px" : "8px 0 0" }}>No version is the champion yet: promote one.</p>}
      {beside && keys.length > 0 && <p className="dim" style={{ padding: "8px 12px", fontSize: 11 }}>Latest values of the two runs; which way is better is read from the name of the metric. Promotion compares on the same held-out data.</p>}
    </Card>
  );
}

function Delta({ metric, mine, theirs }: { metric: string; mine: number | undefined; theirs: number | undefined }) {
  if (mine === undefined || theirs === undefined) return null;
  const by = mine - theirs;
  if (by === 0) return <span className="dim">equal</span>;
  const goal = goalOf(metric);
  const better = goal === null ? null : goal === "maximize" ? by > 0 : by < 0;
  return <span className={better === null ? "" : `delta ${better ? "up" : "down"}`}>{by > 0 ? "+" : "−"}{value(Number(Math.abs(by).toPrecision(4)))}{better === null ? "" : better ? " better" : " worse"}</span>;
}

function Approval({ of, decide }: { of: { state: string; actor?: string; reason?: string; changed_at?: string } | undefined; decide: (decision: Decision) => void }) {
  const state = of?.state ?? "None";
  return (
    <Card title="Approval" actions={<Chip kind={state === "Approved" ? "ok" : state === "Rejected" ? "bad" : state === "Requested" ? "warn" : ""}>{state === "None" ? "nobody asked" : state.toLowerCase()}</Chip>}>
      <div className="col">
        {state === "None" ? <p className="dim">A promotion rule can ask for it.</p> : <p className="ink2">{of?.reason ? <>“{of.reason}”, </> : ""}{of?.actor} <span className="dim" title={moment(of?.changed_at)}>{ago(of?.changed_at)}</span></p>}
        <div className="row wrap">
          {(state === "None" || state === "Rejected") && <Button kind="small" onClick={() => decide("request")}>Ask for approval</Button>}
          {state !== "Approved" && <Button kind="small" icon="check" onClick={() => decide("approve")}>Approve</Button>}
          {state !== "Rejected" && <Button kind="small" icon="close" onClick={() => decide("reject")}>Reject</Button>}
        </div>
      </div>
    </Card>
  );
}

function Signature({ signature }: { signature: { inputs?: unknown; outputs?: unknown } | undefined }) {
  const sides = [["Inputs", portsOf(signature?.inputs)], ["Outputs", portsOf(signature?.outputs)]] as const;
  if (!sides.some(([, ports]) => ports.length)) return <Card title="Signature"><p className="dim">The model does not say what it takes and gives.</p></Card>;
  return (
    <Card title="Signature" flush>
      <table className="plain">
        {sides.map(([title, ports]) => ports.length > 0 && (
          <tbody key={title}>
            <tr><th colSpan={2}>{title} · {ports.length}</th></tr>
            {ports.map((port, at) => <tr key={at}><td>{port.name}{port.optional && <span className="dim"> optional</span>}</td><td className="mono dim">{port.type}</td></tr>)}
          </tbody>
        ))}
      </table>
    </Card>
  );
}

function Example({ item }: { item: AssetView }) {
  const workspace = useWorkspace();
  const path = (item as any).input_example?.artifact_path as string | undefined;
  const example = useQuery({
    queryKey: ["model.file", workspace, item.name, item.version, path],
    enabled: !!path,
    staleTime: "static",
    retry: false,
    queryFn: async () => (await send("model.file", { workspace, name: item.name, version: item.version, path })).text(),
  });
  if (!path) return null;
  return (
    <Card title="Input example">
      <Answer of={example} lines={3}>
        {(text) => {
          let table = null;
          try {
            table = splitOf(JSON.parse(text));
          } catch {
            // shown as it is
          }
          if (!table) return <pre className="code" style={{ maxHeight: 240 }} tabIndex={0}>{longer(text)}</pre>;
          return (
            <div style={{ overflow: "auto" }}>
              <table className="plain">
                <thead><tr>{table.columns.map((name) => <th key={name}>{name}</th>)}</tr></thead>
                <tbody>{table.data.slice(0, 5).map((row, at) => <tr key={at}>{row.map((one, column) => <td key={column}>{typeof one === "object" ? JSON.stringify(one) : String(one)}</td>)}</tr>)}</tbody>
              </table>
              {table.data.length > 5 && <p className="dim">5 of {count(table.data.length)} rows</p>}
            </div>
          );
        }}
      </Answer>
    </Card>
  );
}
