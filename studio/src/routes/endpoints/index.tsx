import { useState } from "react";
import type { EndpointView } from "../../data/api";
import { NET_MS, useAction, useApi } from "../../data/hooks";
import { assetPath, useAddress, useGo } from "../../data/nav";
import { Answer, Button, Empty, Failure, FilterField, Segments, Status } from "../../kit/basic";
import { Modal } from "../../kit/dialog";
import { Go } from "../../kit/Go";
import { Grid, type Column } from "../../kit/Grid";
import { Icon } from "../../kit/Icon";
import { ago, count, moment } from "../../lib/format";
import { list, quote } from "../../lib/snippets";
import { PageHead } from "../../shell/PageHead";
import { colorOf } from "./colors";
import "./endpoints.css";
export { EndpointPage } from "./Page";
export { BatchPage } from "./Batch";

const name = (path: string): Column<EndpointView> => ({ key: "name", title: "Name", width: 240, grow: true, pin: true, sort: (one, other) => one.name.localeCompare(other.name), render: (item) => <><span className="dim"><Icon name="endpoints" size={14} /></span><Go to={assetPath(path, item.name)} className="link clipt">{item.name}</Go></> });
const changed: Column<EndpointView> = { key: "changed", title: "Changed", width: 130, sort: (one, other) => (one.changed_at ?? "").localeCompare(other.changed_at ?? ""), render: (item) => <span className="dim" title={moment(item.changed_at)}>{ago(item.changed_at)}</span> };
const about: Column<EndpointView> = { key: "about", title: "About", width: 150, grow: true, render: (item) => <span className="clipt ink2">{(item.message ?? item.description) as string}</span> };

const ONLINE: Column<EndpointView>[] = [
  name("endpoints"),
  { key: "state", title: "State", width: 120, render: (item) => <Status status={item.stopped ? "Stopped" : item.provisioning_state} /> },
  { key: "traffic", title: "Traffic", width: 230, grow: true, render: (item) => <Shares traffic={item.traffic as Record<string, number>} /> },
  { key: "uri", title: "Address", width: 250, grow: true, render: (item) => <span className="mono clipt dim">{item.scoring_uri}</span> },
  changed,
  about,
];
const BATCH: Column<EndpointView>[] = [
  name("batch-endpoints"),
  { key: "default", title: "Default deployment", width: 200, render: (item) => <span>{(item.defaults as { deployment_name?: string } | undefined)?.deployment_name ?? <span className="dim">none</span>}</span> },
  changed,
  about,
];

function Shares({ traffic }: { traffic: Record<string, number> }) {
  const parts = Object.entries(traffic ?? {}).filter(([, share]) => share > 0);
  if (!parts.length) return <span className="dim">none</span>;
  return (
    <>
      <span className="meter" style={{ width: 72, flex: "none" }} aria-hidden="true">{parts.map(([deployment, share], at) => <i key={deployment} style={{ width: `${share}%`, background: colorOf(at) }} />)}</span>
      <span className="clipt">{parts.map(([deployment, share]) => `${deployment} ${share} %`).join(", ")}</span>
    </>
  );
}

export function EndpointList() {
  const go = useGo();
  const [address, setAddress] = useAddress();
  const batch = address.kind === "batch";
  const online = useApi("online-endpoint.list", {}, { refetchInterval: NET_MS });
  const batches = useApi("batch-endpoint.list", {}, { refetchInterval: NET_MS });
  const shown = batch ? batches : online;
  const wanted = (address.q ?? "").toLowerCase();
  const [making, setMaking] = useState(false);
  const path = batch ? "batch-endpoints" : "endpoints";
  const columns = batch ? BATCH : ONLINE;
  return (
    <>
      <PageHead
        title="Endpoints"
        status={shown.data && <span className="dim">{count(shown.data.items.length)}</span>}
        snippets={batch ? list("batch_endpoint", "batch_endpoints", "batch-endpoint.list") : { ...list("online_endpoint", "online_endpoints", "online-endpoint.list"), cli: "zaffre online-endpoint list" }}
        actions={batch ? undefined : <Button kind="primary" icon="plus" onClick={() => setMaking(true)}>New endpoint</Button>}
      />
      <div className="toolbar">
        <Segments label="Kind" value={batch ? "batch" : "online"} options={[["online", `Online${online.data ? ` · ${online.data.items.length}` : ""}`], ["batch", `Batch${batches.data ? ` · ${batches.data.items.length}` : ""}`]] as const} onChange={(kind) => setAddress({ kind: kind === "batch" ? kind : undefined })} />
        <FilterField value={address.q ?? ""} onChange={(q) => setAddress({ q })} placeholder="Filter by name, description" />
      </div>
      <Answer of={shown}>
        {(data) => {
          if (!data.items.length) {
            return batch ? (
              <Empty title="No batch endpoint yet" snippet="zaffre batch-endpoint create --name nightly">A batch endpoint scores a whole folder as a job: of a model, of a script, of a pipeline.</Empty>
            ) : (
              <Empty title="No endpoint yet" snippet="zaffre online-endpoint create --name risk" action={<Button kind="primary" onClick={() => setMaking(true)}>New endpoint</Button>}>An endpoint is an address that answers with what a model says; its traffic is shared among deployments. A model is deployed from its own page too.</Empty>
            );
          }
          const rows = data.items.filter((item) => `${item.name} ${item.description ?? ""}`.toLowerCase().includes(wanted));
          return (
            <div className="full">
              {rows.length ? <Grid rows={rows} columns={columns} id={(item) => item.name} label="Endpoints" open={(item) => go(assetPath(path, item.name))} /> : <Empty title="Nothing matches" action={<Button onClick={() => setAddress({ q: undefined })}>Take the filter away</Button>}>0 of {data.items.length} match {address.q}.</Empty>}
            </div>
          );
        }}
      </Answer>
      {making && <Make close={() => setMaking(false)} />}
    </>
  );
}

function Make({ close }: { close: () => void }) {
  const go = useGo();
  const [called, setCalled] = useState("");
  const [mode, setMode] = useState("key");
  const create = useAction("online-endpoint.create", (item) => go(assetPath("endpoints", item.name)));
  const make = () => create.mutate({ spec: { name: called.trim(), auth_mode: mode } });
  return (
    <Modal open close={close} title="New endpoint" actions={<Button kind="primary" disabled={!called.trim() || create.isPending} onClick={make}>Create</Button>}>
      <label className="col" style={{ gap: 4 }}>Name<input className="input" autoFocus value={called} onChange={(event) => setCalled(event.target.value)} onKeyDown={(event) => event.key === "Enter" && called.trim() && make()} /></label>
      <label className="col" style={{ gap: 4 }}>Opened by<select className="select" value={mode} onChange={(event) => setMode(event.target.value)}><option value="key">two keys</option><option value="aml_token">tokens that end after an hour</option></select></label>
      <pre className="code">zaffre online-endpoint create --name {quote(called || "NAME")}{mode === "key" ? "" : ` --auth-mode ${mode}`}</pre>
      {create.error && <Failure error={create.error} />}
    </Modal>
  );
}
