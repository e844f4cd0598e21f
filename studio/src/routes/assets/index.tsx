import { lazy, Suspense, useState, type ReactNode } from "react";
import type { ApprovalView, AssetView, OperationName } from "../../data/api";
import { useAction, useApi } from "../../data/hooks";
import { assetPath, jobPath, useAddress, useGo, useName } from "../../data/nav";
import { Answer, Button, Card, Chip, Copy, Empty, Failure, FilterField, KeyValues, Skeleton, Tags } from "../../kit/basic";
import { Menu } from "../../kit/opener";
import { Go, Tabs } from "../../kit/Go";
import { Grid, type Column } from "../../kit/Grid";
import { Icon } from "../../kit/Icon";
import { ago, bytes, count, moment, value } from "../../lib/format";
import { list, show } from "../../lib/snippets";
import { PageHead } from "../../shell/PageHead";
import { Reference } from "../run/Reference";

const DataTabs = lazy(() => import("./DataTabs"));
const BuildLog = lazy(() => import("./BuildLog"));
const LineageGraph = lazy(() => import("../../graph/LineageGraph"));
const Document = lazy(() => import("./Document"));

interface Kind {
  noun: "data" | "model" | "environment" | "component";
  path: string; // of the page
  collection: string; // of the SDK
  title: string;
  empty: [string, string]; // what it is, how to make one
}
const KINDS: Record<Kind["noun"], Kind> = {
  data: { noun: "data", path: "data", collection: "data", title: "Data", empty: ["A version of data never changes, and every job that used it is known.", "zaffre data create --name patients --path ./patients.csv"] },
  model: { noun: "model", path: "models", collection: "models", title: "Models", empty: ["Jobs register what they trained; each version knows the run, the data and the code that it came from.", "zaffre model create --name churn --path ./model --type mlflow_model"] },
  environment: { noun: "environment", path: "environments", collection: "environments", title: "Environments", empty: ["Packages under a name and a version; built once, shared by every job.", "zaffre environment create -f environment.yml"] },
  component: { noun: "component", path: "components", collection: "components", title: "Components", empty: ["A step with typed inputs and outputs, to be used in many pipelines.", "zaffre component create -f train.yml"] },
};
const operation = (kind: Kind, verb: string): OperationName => `${kind.noun}.${verb}` as OperationName;

export const DataList = () => <List kind={KINDS.data} />;
export const DataPage = () => <Detail kind={KINDS.data} />;
export const ModelList = () => <List kind={KINDS.model} />;
export const ModelPage = () => <Detail kind={KINDS.model} />;
export const EnvironmentList = () => <List kind={KINDS.environment} />;
export const EnvironmentPage = () => <Detail kind={KINDS.environment} />;
export const ComponentList = () => <List kind={KINDS.component} />;
export const ComponentPage = () => <Detail kind={KINDS.component} />;

const curated = (item: AssetView): boolean => item.properties?.curated === "true";

function List({ kind }: { kind: Kind }) {
  const go = useGo();
  const [address, setAddress] = useAddress();
  const assets = useApi(operation(kind, "list"), { max_results: 1000 }) as ReturnType<typeof useApi<"data.list">>;
  const wanted = (address.q ?? "").toLowerCase();
  const columns: Column<AssetView>[] = [
    { key: "name", title: "Name", width: 260, grow: true, pin: true, sort: (one, other) => one.name.localeCompare(other.name), render: (item) => <><span className="dim"><Icon name={kind.path} size={14} /></span><Go to={assetPath(kind.path, item.name)} className="link clipt">{item.name}</Go>{curated(item) && <Chip>curated</Chip>}</> },
    { key: "version", title: "Latest", width: 110, render: (item) => <span className="mono">{item.version}</span> },
    ...(kind.noun === "environment" ? [] : [{ key: "type", title: "Type", width: 130, sort: (one: AssetView, other: AssetView) => (one.type ?? "").localeCompare(other.type ?? ""), render: (item: AssetView) => <span className="ink2">{item.type}</span> } satisfies Column<AssetView>]),
    ...(kind.noun === "data" || kind.noun === "model" ? [{ key: "bytes", title: "Size", width: 90, end: true, sort: (one: AssetView, other: AssetView) => Number((one as any).bytes ?? 0) - Number((other as any).bytes ?? 0), render: (item: AssetView) => bytes((item as any).bytes) } satisfies Column<AssetView>] : []),
    ...(kind.noun === "model" ? [{ key: "labels", title: "Aliases", width: 170, render: (item: AssetView) => <span className="row" style={{ gap: 4 }}>{(item.labels ?? []).filter((label) => label !== "latest").map((label) => <Chip key={label} kind="accent">{label}</Chip>)}</span> } satisfies Column<AssetView>] : []),
    { key: "job", title: "Made by", width: 190, render: (item) => (item.job_name ? <Go to={jobPath(item.job_name)} className="link mono clipt">{item.job_name}</Go> : <span className="dim">–</span>) },
    { key: "created", title: "Created", width: 130, sort: (one, other) => (one.created_at ?? "").localeCompare(other.created_at ?? ""), render: (item) => <span className="dim" title={moment(item.created_at)}>{ago(item.created_at)}</span> },
    { key: "tags", title: "Tags", width: 180, grow: true, render: (item) => <Tags tags={item.tags} most={3} /> },
  ];
  return (
    <>
      <PageHead title={kind.title} busy={assets.isFetching} status={assets.data && <span className="dim">{count(assets.data.items.length)}</span>} snippets={list(kind.noun, kind.collection, operation(kind, "list"))} actions={kind.noun === "data" ? <Upload /> : undefined} />
      <Answer of={assets}>
        {(data) => {
          if (!data.items.length) return <Empty title={`No ${kind.title.toLowerCase()} yet`} snippet={kind.empty[1]}>{kind.empty[0]}</Empty>;
          const rows = data.items.filter((item) => `${item.name} ${item.description ?? ""} ${item.type ?? ""} ${Object.entries(item.tags ?? {}).join(" ")}`.toLowerCase().includes(wanted));
          return (
            <>
              <div className="toolbar"><FilterField value={address.q ?? ""} onChange={(q) => setAddress({ q })} placeholder="Filter by name, type, tag" /></div>
              <div className="full">
                {rows.length ? <Grid rows={rows} columns={columns} id={(item) => item.name} label={kind.title} open={(item) => go(assetPath(kind.path, item.name))} /> : <Empty title="Nothing matches" action={<Button onClick={() => setAddress({ q: undefined })}>Take the filter away</Button>}>0 of {data.items.length} match {address.q}.</Empty>}
              </div>
            </>
          );
        }}
      </Answer>
    </>
  );
}

const UploadDialog = lazy(() => import("./Upload"));
function Upload() {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button kind="primary" icon="upload" onClick={() => setOpen(true)}>Add data</Button>
      {open && <Suspense fallback={null}><UploadDialog close={() => setOpen(false)} /></Suspense>}
    </>
  );
}

function Detail({ kind }: { kind: Kind }) {
  const name = useName();
  const [address, setAddress] = useAddress();
  const versions = useApi(operation(kind, "list"), { name, max_results: 500, listed: "all" }) as ReturnType<typeof useApi<"data.list">>;
  const chosen = useApi(operation(kind, "show"), address.version ? { name, version: address.version } : { name }, { placeholderData: undefined }) as ReturnType<typeof useApi<"data.show">>;
  const alias = useAction("model.set_alias", "The alias points here now");
  const archive = useAction(operation(kind, "archive") as "data.archive", "Archived");
  const restore = useAction(operation(kind, "restore") as "data.restore", "Restored");
  const tabs = ([["overview", "Overview"], kind.noun === "data" && ["preview", "Preview"], kind.noun === "data" && ["profile", "Profile"], ["versions", "Versions", versions.data?.items.length], kind.noun === "data" && ["diff", "Diff"], kind.noun === "environment" && ["build", "Build log"], !(chosen.data && curated(chosen.data)) && ["lineage", "Lineage"]] as const).filter((tab) => !!tab) as (readonly [string, string, number?])[];
  const tab = tabs.some(([key]) => key === address.tab) ? address.tab! : "overview";
  if (chosen.error && !chosen.data) {
    return (
      <>
        <PageHead title={name} crumbs={[{ title: kind.title, to: `/${kind.path}` }]} />
        <div className="scroll"><Failure error={chosen.error} retry={() => void chosen.refetch()} /></div>
      </>
    );
  }
  return (
    <Answer of={chosen}>
      {(item) => (
        <>
          <PageHead
            title={name}
            crumbs={[{ title: kind.title, to: `/${kind.path}` }]}
            busy={chosen.isFetching}
            status={
              <span className="row" style={{ flex: "none" }}>
                <Menu
                  trigger={<Button kind="small">Version {item.version}<Icon name="down" size={12} /></Button>}
                  items={(versions.data?.items ?? []).map((version) => ({ label: `${version.version}${version.archived ? " (archived)" : ""}  ·  ${ago(version.created_at)}`, icon: version.version === item.version ? "check" : undefined, run: () => setAddress({ version: version.version }, true) }))}
                />
                {(item.labels ?? []).map((label) => <Chip key={label} kind={label === "latest" ? "" : "accent"}>{label}</Chip>)}
                {item.archived && <Chip kind="warn">archived</Chip>}
                {curated(item) && <Chip>curated</Chip>}
              </span>
            }
            snippets={show(kind.noun, kind.collection, name, operation(kind, "show"), address.version)}
            actions={
              curated(item) ? undefined : (
                <>
                  {kind.noun === "model" && <Aliases item={item} versions={versions.data?.items ?? []} set={(alias_) => alias.mutate({ name, version: item.version, alias: alias_ })} />}
                  <Menu
                    trigger={<Button icon="more" kind="ghost" aria-label="More actions" />}
                    items={[item.archived ? { label: "Restore this version", icon: "archive", run: () => restore.mutate({ name, version: item.version }) } : { label: "Archive this version", icon: "archive", run: () => archive.mutate({ name, version: item.version }) }]}
                  />
                </>
              )
            }
          />
          <Tabs tabs={tabs} />
          {tab === "overview" && <Overview kind={kind} item={item} />}
          {tab === "versions" && <Versions kind={kind} items={versions.data?.items ?? []} now={item.version} />}
          {tab === "lineage" && <Suspense fallback={<Skeleton />}><LineageGraph kind={kind.noun} name={item.name} version={item.version} /></Suspense>}
          {tab === "build" && <Suspense fallback={<Skeleton />}><BuildLog key={item.version} item={item} /></Suspense>}
          {(tab === "preview" || tab === "profile" || tab === "diff") && (
            <Suspense fallback={<Skeleton />}><DataTabs tab={tab} item={item} versions={versions.data?.items ?? []} /></Suspense>
          )}
        </>
      )}
    </Answer>
  );
}

const ALIASES = ["champion", "challenger", "production", "staging"];
function Aliases({ item, versions, set }: { item: AssetView; versions: AssetView[]; set: (alias: string) => void }) {
  const mine = new Set(item.labels ?? []);
  const others = new Set(versions.flatMap((version) => version.labels ?? []));
  return (
    <Menu
      trigger={<Button icon="tag">Alias</Button>}
      items={[{ label: `Point to version ${item.version}`, heading: true }, ...[...new Set([...ALIASES, ...others])].filter((label) => label !== "latest").map((label) => ({ label, icon: mine.has(label) ? "check" : "tag", disabled: mine.has(label), run: () => set(label) }))]}
    />
  );
}

const HIDDEN = new Set(["name", "version", "type", "description", "path", "tags", "properties", "labels", "archived", "created_at", "creation_context", "job_name", "files", "bytes", "$schema", "columns", "rows", "signature", "flavors", "inputs", "outputs", "command", "metrics", "approval", "lineage"]);

function Overview({ kind, item }: { kind: Kind; item: AssetView }) {
  const facts = item as any;
  const ports = (title: string, value: Record<string, any> | undefined) =>
    value && Object.keys(value).length > 0 ? (
      <Card title={title} flush>
        <table className="plain">
          <thead><tr><th>Name</th><th>Type</th><th>Default</th><th>About</th></tr></thead>
          <tbody>{Object.entries(value).map(([port, about]) => <tr key={port}><td>{port}{about?.optional && <span className="dim"> optional</span>}</td><td className="mono">{about?.type}</td><td className="mono">{about?.default === undefined ? "" : String(about.default)}</td><td className="ink2">{about?.description}</td></tr>)}</tbody>
        </table>
      </Card>
    ) : null;
  const rest = Object.fromEntries(Object.entries(facts).filter(([key, value]) => !HIDDEN.has(key) && value !== null));
  return (
    <div className="scroll" style={{ paddingTop: 12 }}>
      <div className="two">
        <div className="stack">
          {item.description && <Card title="About"><p className="pre">{item.description}</p></Card>}
          {kind.noun === "model" && <ModelMetrics metrics={facts.metrics} />}
          {kind.noun === "model" && <Signature signature={facts.signature} />}
          {facts.command && <Card title="Command" actions={<Copy text={facts.command} />}><pre className="pre">{facts.command}</pre></Card>}
          {ports("Inputs", facts.inputs)}
          {ports("Outputs", facts.outputs)}
          {Array.isArray(facts.columns) && <Card title={`Columns · ${facts.columns.length}`} flush><table className="plain"><tbody>{facts.columns.map((column: any) => <tr key={column.name ?? column}><td>{column.name ?? column}</td><td className="mono dim">{column.type}</td></tr>)}</tbody></table></Card>}
          {Object.keys(rest).length > 0 && <Card title="Document" flush><Suspense fallback={<Skeleton lines={3} />}><Document value={rest} /></Suspense></Card>}
          {!item.description && Object.keys(rest).length === 0 && !facts.command && !facts.inputs && kind.noun === "data" && (
            <Card title="Preview"><Go to={assetPath(kind.path, item.name)} search={{ tab: "preview", version: item.version }} className="btn">Open the preview</Go></Card>
          )}
        </div>
        <div className="stack">
          {kind.noun === "model" && <Approval item={item} />}
          <Card title="Facts">
            <KeyValues
              items={[
                ["Name", item.name],
                ["Version", <span className="mono">{item.version}</span>],
                ["Type", item.type],
                ["Path", item.path && <span className="row" style={{ gap: 2 }}><Reference text={item.path} /><Copy text={item.path} /></span>],
                ["Size", facts.bytes !== undefined && facts.bytes !== null && `${bytes(facts.bytes)}${facts.files ? ` in ${count(facts.files)} file${facts.files === 1 ? "" : "s"}` : ""}`],
                ["Rows", facts.rows !== undefined && facts.rows !== null && count(facts.rows)],
                ["Flavors", facts.flavors && Object.keys(facts.flavors).join(", ")],
                ["Made by", item.job_name && <Go to={jobPath(item.job_name)} className="link mono">{item.job_name}</Go>],
                ["Created", item.created_at && <span title={moment(item.created_at)}>{ago(item.created_at)} by {(item as any).creation_context?.created_by ?? "owner"}</span>],
                ["Use it as", curated(item) ? undefined : <span className="row" style={{ gap: 2 }}><span className="mono clip">azureml:{item.name}:{item.version}</span><Copy text={`azureml:${item.name}:${item.version}`} /></span>],
              ]}
            />
          </Card>
          {Object.keys(item.tags ?? {}).length > 0 && <Card title="Tags"><Tags tags={item.tags} /></Card>}
          {Object.keys(item.properties ?? {}).length > 0 && <Card title="Properties"><KeyValues items={Object.entries(item.properties ?? {}).map(([key, value]) => [key, String(value)] as const)} /></Card>}
        </div>
      </div>
    </div>
  );
}

function ModelMetrics({ metrics }: { metrics: unknown }) {
  const items = Object.entries((metrics && typeof metrics === "object" && !Array.isArray(metrics) ? metrics : {}) as Record<string, unknown>);
  if (!items.length) return null;
  return (
    <Card title={`Metrics · ${items.length}`} flush>
      <div className="metricgrid">
        {items.map(([key, at]) => <div key={key}><div className="k clip" title={key}>{key}</div><div className="v">{value(at)}</div></div>)}
      </div>
    </Card>
  );
}

const STATES: Record<string, [string, string]> = { Approved: ["ok", "s-done"], Requested: ["accent", "s-wait"], Rejected: ["bad", "s-fail"] };

/** Where the approval of a version stands, and what can be done about it; a reason is kept with the decision. */
function Approval({ item }: { item: AssetView }) {
  const [reason, setReason] = useState("");
  const approval = (item as { approval?: Partial<ApprovalView> }).approval;
  const done = () => setReason("");
  const ask = useAction("model.request_approval", done);
  const approve = useAction("model.approve", done);
  const reject = useAction("model.reject", done);
  const state = approval?.state ?? "None";
  const [role, icon] = STATES[state] ?? ["dim", "s-wait"];
  const said = { name: item.name, version: item.version, reason: reason || undefined };
  return (
    <Card title="Approval" actions={<span className={`status ${role}`}><Icon name={icon} size={14} />{state === "None" ? "Not asked for" : state}</span>}>
      <div className="col">
        {approval?.actor && <p className="dim">{approval.actor}, {ago(approval.changed_at)}{approval.reason ? `: ${approval.reason}` : ""}</p>}
        <input className="input" aria-label="Reason" placeholder="Reason (kept in the audit trail)" value={reason} onChange={(event) => setReason(event.target.value)} />
        <div className="row wrap">
          {state === "None" && <Button onClick={() => ask.mutate(said)}>Ask for it</Button>}
          {state !== "Approved" && <Button icon="check" onClick={() => approve.mutate(said)}>Approve</Button>}
          {state !== "Rejected" && <Button icon="close" onClick={() => reject.mutate(said)}>Reject</Button>}
        </div>
      </div>
    </Card>
  );
}

function Signature({ signature }: { signature: any }) {
  if (!signature) return null;
  const side = (title: string, value: any) => {
    let list: any[] = [];
    try {
      list = typeof value === "string" ? JSON.parse(value) : (value ?? []);
    } catch {
      return null;
    }
    if (!Array.isArray(list) || !list.length) return null;
    return (
      <>
        <tr><th colSpan={2}>{title}</th></tr>
        {list.map((column, at) => <tr key={at}><td>{column.name ?? `#${at}`}</td><td className="mono dim">{column.type === "tensor" ? `${column["tensor-spec"]?.dtype} ${JSON.stringify(column["tensor-spec"]?.shape)}` : column.type}</td></tr>)}
      </>
    );
  };
  return <Card title="Signature" flush><table className="plain"><tbody>{side("Inputs", signature.inputs)}{side("Outputs", signature.outputs)}</tbody></table></Card>;
}

function Versions({ kind, items, now }: { kind: Kind; items: AssetView[]; now: string }) {
  const go = useGo();
  const columns: Column<AssetView>[] = [
    { key: "version", title: "Version", width: 150, pin: true, render: (item) => <Go to={assetPath(kind.path, item.name)} search={{ version: item.version }} className="link mono">{item.version}</Go> },
    { key: "labels", title: "Aliases", width: 180, render: (item) => <span className="row" style={{ gap: 4 }}>{(item.labels ?? []).map((label) => <Chip key={label} kind={label === "latest" ? "" : "accent"}>{label}</Chip>)}{item.archived && <Chip kind="warn">archived</Chip>}</span> },
    { key: "created", title: "Created", width: 140, render: (item) => <span title={moment(item.created_at)}>{ago(item.created_at)}</span> },
    { key: "job", title: "Made by", width: 200, grow: true, render: (item) => (item.job_name ? <Go to={jobPath(item.job_name)} className="link mono clipt">{item.job_name}</Go> : <span className="dim">{(item as any).creation_context?.created_by}</span>) },
    { key: "bytes", title: "Size", width: 100, end: true, render: (item) => bytes((item as any).bytes) },
    { key: "delta", title: "Change", width: 110, end: true, render: (item, at) => delta(items, item, at) },
    { key: "about", title: "About", width: 240, grow: true, render: (item) => <span className="clipt ink2">{item.description}</span> },
  ];
  return <div className="full" style={{ borderTop: 0 }}><Grid rows={items} columns={columns} id={(item) => item.version} label="Versions" current={now} open={(item) => go(assetPath(kind.path, item.name), { version: item.version })} /></div>;
}

function delta(items: AssetView[], item: AssetView, at: number): ReactNode {
  const [now, before] = [(item as any).bytes, (items[at + 1] as any)?.bytes];
  if (typeof now !== "number" || typeof before !== "number") return null;
  return <span className="dim">{now === before ? "same size" : `${now > before ? "+" : "−"}${bytes(Math.abs(now - before))}`}</span>;
}
