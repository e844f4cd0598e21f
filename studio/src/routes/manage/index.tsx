import { useState } from "react";
import { toast } from "../../kit/toast";
import type { Collected, ComputeUse, Scrubbed } from "../../data/api";
import { send } from "../../data/client";
import { NET_MS, useAction, useApi, useWorkspace } from "../../data/hooks";
import { jobPath } from "../../data/nav";
import { Answer, Button, Card, Chip, Copy, Empty, KeyValues, Segments, Status } from "../../kit/basic";
import { Go } from "../../kit/Go";
import { Icon } from "../../kit/Icon";
import { ago, bytes, count, moment } from "../../lib/format";
import { list, rest } from "../../lib/snippets";
import { PageHead } from "../../shell/PageHead";
import { useTheme } from "../../shell/state";

export function Compute() {
  const use = useApi("compute.use", {}, { refetchInterval: NET_MS });
  return (
    <>
      <PageHead title="Compute" busy={use.isFetching} snippets={{ ...list("compute", "compute", "compute.list"), rest: rest("compute.use", {}) }} />
      <div className="scroll">
        <Answer of={use}>{(data) => <div className="stack">{data.items.map((item) => <ComputeCard key={item.name} item={item} />)}</div>}</Answer>
        <p className="dim" style={{ marginTop: 12 }}>A cluster is a set of slots on this machine: it runs as many instances at once as `max_instances` says. All share the processors.</p>
      </div>
    </>
  );
}

const Widths = () => <colgroup><col style={{ width: 40 }} /><col style={{ width: "34%" }} /><col style={{ width: 150 }} /><col /><col style={{ width: 130 }} /></colgroup>;

function ComputeCard({ item }: { item: ComputeUse }) {
  const slots = item.instances ?? Math.max(1, Math.round(item.cpu ?? 1));
  const busy = item.instances ? item.busy : Math.round(item.cpu_busy);
  const line = (job: ComputeUse["running"][number]) => (
    <tr key={job.name}>
      <td style={{ width: 40 }}><Status status={job.status} label={false} /></td>
      <td><Go to={jobPath(job.name)} className="link">{job.node ?? job.display_name ?? job.name}</Go>{job.parent_job_name && <span className="dim"> in <Go to={jobPath(job.parent_job_name)}>{job.parent_job_name}</Go></span>}</td>
      <td className="dim">{job.cpu} CPU{job.instances > 1 ? `, ${job.instances} instances` : ""}</td>
      <td className="ink2">{job.why}</td>
      <td className="num dim" title={moment(job.since)}>{ago(job.since)}</td>
    </tr>
  );
  return (
    <section className="card">
      <header>
        <Icon name="compute" />
        <h2 className="grow">{item.name} <span className="dim" style={{ fontWeight: 400 }}>{item.type === "local" ? "this machine" : item.type}</span></h2>
        <span className="dim">{item.instances ? `${item.busy} of ${item.instances} instances busy` : `${item.cpu_busy} of ${item.cpu ?? "?"} CPU busy`}</span>
      </header>
      <div className="body col" style={{ gap: 12 }}>
        <div className="slotbox" role="img" aria-label={`${busy} of ${slots} busy`}>{Array.from({ length: Math.min(slots, 128) }, (_, at) => <i key={at} className={at < busy ? "on" : ""} />)}</div>
        {item.running.length === 0 && item.waiting_count === 0 && <p className="dim">{!item.instances && item.cpu_busy > 0 ? "Nothing waits. Jobs of other computes use its processors." : "Idle. Nothing waits."}</p>}
      </div>
      {item.running.length > 0 && <table className="plain" style={{ tableLayout: "fixed" }}><Widths /><thead><tr><th colSpan={5}>Running · {item.running.length}</th></tr></thead><tbody>{item.running.map(line)}</tbody></table>}
      {item.waiting.length > 0 && <table className="plain" style={{ tableLayout: "fixed" }}><Widths /><thead><tr><th colSpan={5}>Waiting · {count(item.waiting_count)}{item.waiting_count > item.waiting.length ? `; the next ${item.waiting.length}` : ""}</th></tr></thead><tbody>{item.waiting.map(line)}</tbody></table>}
    </section>
  );
}

export function Datastores() {
  const stores = useApi("datastore.list");
  return (
    <>
      <PageHead title="Datastores" busy={stores.isFetching} snippets={list("datastore", "datastores", "datastore.list")} />
      <div className="scroll">
        <Answer of={stores}>
          {(data) =>
            data.items.length === 0 ? (
              <Empty title="No datastore" snippet="zaffre datastore create -f store.yml" />
            ) : (
              <div className="cards" style={{ gridTemplateColumns: "repeat(auto-fill, minmax(380px, 1fr))" }}>
                {data.items.map((store) => {
                  const { name, type, description, tags: _, ...more } = store as Record<string, any>;
                  return (
                    <section key={name} className="card">
                      <header><Icon name="datastores" /><h2 className="grow clip">{name}</h2><Chip>{type}</Chip></header>
                      <div className="body col">
                        {description && <p className="ink2">{description}</p>}
                        <KeyValues items={[...Object.entries(more).filter(([, value]) => typeof value !== "object").map(([key, value]) => [key.replaceAll("_", " "), <span className="mono">{String(value)}</span>] as const), ["address", <span className="row" style={{ gap: 2 }}><span className="mono clip">azureml://datastores/{name}/paths/</span><Copy text={`azureml://datastores/${name}/paths/`} /></span>] as const]} />
                      </div>
                    </section>
                  );
                })}
              </div>
            )
          }
        </Answer>
      </div>
    </>
  );
}

export function Settings() {
  const workspace = useWorkspace();
  const status = useApi("server.status");
  const [, setTheme] = useTheme();
  const [choice, setChoice] = useState<string>(localStorage.getItem("zaffre.theme") ?? "system");
  const [density, setDensity] = useState(localStorage.getItem("zaffre.density") ?? "normal");
  return (
    <>
      <PageHead title="Settings" snippets={{ python: "from zaffre import Workspace\n\nws = Workspace.from_home()", cli: "zaffre status\nzaffre storage gc --dry-run", rest: rest("server.status", {}) }} />
      <div className="scroll">
        <div className="two">
          <div className="stack">
            <Card title="Appearance">
              <div className="stack">
                <div className="row"><span style={{ width: 120 }}>Theme</span><Segments label="Theme" value={choice} options={[["system", "System", "compute"], ["light", "Light", "sun"], ["dark", "Dark", "moon"]] as const} onChange={(to) => { setChoice(to); setTheme(to); }} /></div>
                <div className="row"><span style={{ width: 120 }}>Rows</span><Segments label="Rows" value={density} options={[["compact", "Compact"], ["normal", "Normal"], ["comfortable", "Comfortable"]] as const} onChange={(to) => { setDensity(to); localStorage.setItem("zaffre.density", to); document.documentElement.dataset.density = to; }} /></div>
              </div>
            </Card>
            <Storage />
          </div>
          <div className="stack">
            <Card title="About">
              <Answer of={status} lines={4}>
                {(data) => (
                  <KeyValues
                    items={[
                      ["Zaffre", data.version],
                      ["Workspace", workspace],
                      ["Address", data.url],
                      ["Home", <span className="mono">{data.home}</span>],
                      ["Database", data.database],
                      ["Process", String(data.pid)],
                      ["Since", <span title={moment(data.started_at)}>{ago(data.started_at)}</span>],
                      ["Active jobs", String(data.living_jobs)],
                      ["API", <a className="link" href="api/openapi.json" target="_blank" rel="noreferrer">OpenAPI document</a>],
                    ]}
                  />
                )}
              </Answer>
            </Card>
            <Card title="Tokens">
              <p className="ink2">One token opens this server; `zaffre status` shows the link with it. Every job gets one of its own, which ends with the job and reaches only its workspace.</p>
            </Card>
            <Card title="Tracking with MLflow">
              <div className="row"><span className="mono clip grow">{new URL(`mlflow/${workspace}`, document.baseURI).href}</span><Copy text={new URL(`mlflow/${workspace}`, document.baseURI).href} /></div>
            </Card>
          </div>
        </div>
      </div>
    </>
  );
}

function Storage() {
  const [found, setFound] = useState<Collected | null>(null);
  const [sound, setSound] = useState<Scrubbed | null>(null);
  const look = useAction("storage.gc", setFound);
  const [reading, setReading] = useState(false);
  const scrub = async () => {
    setReading(true);
    try {
      const lines = (await (await send("storage.scrub", {})).text()).split("\n").filter(Boolean);
      const events = lines.map((line) => JSON.parse(line) as Scrubbed);
      setSound({ ...events.at(-1)!, damaged: events.flatMap((event) => event.damaged) }); // an event tells what is new
    } catch (problem) {
      toast.error((problem as Error).message);
    } finally {
      setReading(false);
    }
  };
  return (
    <Card title="Storage">
      <div className="stack">
        <p className="ink2">Content that no job and no asset refers to, environments that were not used for 30 days, folders of jobs that ended.</p>
        <div className="row wrap">
          <Button disabled={look.isPending} onClick={() => look.mutate({ dry_run: true })}>{look.isPending ? "Looking" : "What could be removed?"}</Button>
          {found?.dry_run && (found.objects > 0 || found.environments.length > 0 || found.job_folders > 0) && <Button kind="danger" icon="trash" disabled={look.isPending} onClick={() => look.mutate({ dry_run: false })}>Remove it</Button>}
          <Button disabled={reading} onClick={() => void scrub()}>{reading ? "Reading every byte" : "Is all content sound?"}</Button>
        </div>
        {found && (
          <KeyValues
            items={[
              [found.dry_run ? "Removable" : "Removed", `${count(found.objects)} objects, ${bytes(found.bytes)}`],
              ["Environments", `${found.environments.length}, ${bytes(found.environments.reduce((sum, item) => sum + Number((item as any).bytes ?? 0), 0))}`],
              ["Fetched copies", bytes(found.copies_bytes ?? 0)],
              ["Job folders", count(found.job_folders)],
            ]}
          />
        )}
        {sound && (
          <div className={sound.damaged.length ? "error" : "note"}>
            {sound.damaged.length ? <div>{sound.damaged.map((item) => <div key={item.hash} className="pre">{item.problem}: {item.hash.slice(0, 12)}, used by {item.used_by.join(", ") || "nothing"}</div>)}</div> : `${count(sound.objects)} objects, ${bytes(sound.bytes)}: every one is what its hash says.`}
          </div>
        )}
      </div>
    </Card>
  );
}
