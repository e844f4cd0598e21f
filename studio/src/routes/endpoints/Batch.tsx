// A batch endpoint: its deployments, and the jobs that invocations started.
import { useState } from "react";
import { toast } from "../../kit/toast";
import type { DeploymentView } from "../../data/api";
import { NET_MS, useAction, useApi } from "../../data/hooks";
import { assetPath, jobPath, useGo, useName } from "../../data/nav";
import { Answer, Button, Card, Chip, Empty, Failure, KeyValues, Status } from "../../kit/basic";
import { Modal } from "../../kit/dialog";
import { Go } from "../../kit/Go";
import { ago, between, duration, moment } from "../../lib/format";
import { quote, show } from "../../lib/snippets";
import { PageHead } from "../../shell/PageHead";

const CRUMBS = [{ title: "Endpoints", to: "/endpoints" }];

export function BatchPage() {
  const name = useName();
  const endpoint = useApi("batch-endpoint.show", { name }, { refetchInterval: NET_MS, placeholderData: undefined });
  const deployments = useApi("batch-deployment.list", { endpoint: name }, { refetchInterval: NET_MS, placeholderData: undefined });
  const jobs = useApi("batch-endpoint.jobs", { name, max_results: 200 }, { refetchInterval: NET_MS, placeholderData: undefined });
  const update = useAction("batch-endpoint.update", "Changed");
  const [asking, setAsking] = useState(false);
  if (endpoint.error && !endpoint.data) {
    return (
      <>
        <PageHead title={name} crumbs={CRUMBS} />
        <div className="scroll"><Failure error={endpoint.error} retry={() => void endpoint.refetch()} /></div>
      </>
    );
  }
  return (
    <Answer of={endpoint}>
      {(item) => {
        const first = (item.defaults as { deployment_name?: string } | undefined)?.deployment_name;
        return (
          <>
            <PageHead title={name} crumbs={CRUMBS} status={<Chip>batch</Chip>} snippets={show("batch-endpoint", "batch_endpoints", name, "batch-endpoint.show")} actions={<Button kind="primary" icon="play" disabled={!deployments.data?.items.length} onClick={() => setAsking(true)}>Invoke</Button>} />
            <div className="scroll">
              <div className="two">
                <div className="stack">
                  <Card title={`Invocations${jobs.data ? ` · ${jobs.data.items.length}` : ""}`} flush>
                    <Answer of={jobs} lines={4}>
                      {(data) =>
                        data.items.length === 0 ? (
                          <Empty title="Nobody has invoked it yet" snippet={`zaffre batch-endpoint invoke --name ${quote(name)} --input ./folder`}>Each invocation is a job, with its log and its predictions.</Empty>
                        ) : (
                          <table className="plain">
                            <thead><tr><th>Job</th><th>Status</th><th>Deployment</th><th>Started</th><th className="num">Duration</th></tr></thead>
                            <tbody>
                              {data.items.map((job) => (
                                <tr key={job.name}>
                                  <td><Go to={jobPath(job.name)} className="link">{job.display_name ?? job.name}</Go></td>
                                  <td><Status status={job.status} /></td>
                                  <td className="ink2">{String((job.tags as any)?.["zaffre.batch_deployment"] ?? (job as any).deployment_name ?? "")}</td>
                                  <td className="dim" title={moment(job.created_at)}>{ago(job.created_at)}</td>
                                  <td className="num dim">{duration(between((job as any).started_at, (job as any).ended_at))}</td>
                                </tr>
                              ))}
                            </tbody>
                          </table>
                        )
                      }
                    </Answer>
                  </Card>
                </div>
                <div className="stack">
                  <Card title="Deployments" flush>
                    <Answer of={deployments} lines={3}>
                      {(data) =>
                        data.items.length === 0 ? (
                          <Empty title="No deployment" snippet="zaffre batch-deployment create -f deployment.yml --set-default" />
                        ) : (
                          <table className="plain">
                            <tbody>
                              {data.items.map((one) => (
                                <tr key={one.name}>
                                  <td>{one.name} {one.name === first && <Chip kind="accent">default</Chip>}</td>
                                  <td><Runs item={one} /></td>
                                  <td className="num">{one.name !== first && <Button kind="small" onClick={() => update.mutate({ name, changes: { defaults: { deployment_name: one.name } } })}>Make default</Button>}</td>
                                </tr>
                              ))}
                            </tbody>
                          </table>
                        )
                      }
                    </Answer>
                  </Card>
                  <Card title="Facts"><KeyValues items={[["Address", item.scoring_uri && <span className="mono">{item.scoring_uri}</span>], ["About", item.description as string], ["Created", item.created_at && <span title={moment(item.created_at)}>{ago(item.created_at)} by {item.created_by}</span>]]} /></Card>
                </div>
              </div>
            </div>
            {asking && <Invoke name={name} deployments={deployments.data?.items ?? []} first={first} close={() => setAsking(false)} />}
          </>
        );
      }}
    </Answer>
  );
}

function Runs({ item }: { item: DeploymentView }) {
  const model = /^azureml:([^:@]+):(.+)$/.exec(String((item as any).model ?? ""));
  if (model) return <Go to={assetPath("models", model[1]!)} search={{ version: model[2] }} className="link mono">{model[1]}:{model[2]}</Go>;
  return <span className="dim">{(item as any).component ? "a pipeline" : ""}</span>;
}

function Invoke({ name, deployments, first, close }: { name: string; deployments: DeploymentView[]; first: string | undefined; close: () => void }) {
  const go = useGo();
  const [path, setPath] = useState("");
  const [to, setTo] = useState(first ?? deployments[0]?.name ?? "");
  const data = useApi("data.list", { max_results: 200 });
  const invoke = useAction("batch-endpoint.invoke", (job) => {
    close();
    toast.success("Started", { action: { label: "Open the job", onClick: () => go(jobPath(job.name)) } });
  });
  const type = data.data?.items.find((item) => path === `azureml:${item.name}:${item.version}`)?.type ?? (/\.\w+$/.test(path) ? "uri_file" : "uri_folder");
  return (
    <Modal open close={close} title={`Invoke ${name}`} actions={<Button kind="primary" disabled={!path.trim() || invoke.isPending} onClick={() => invoke.mutate({ name, deployment_name: to, input: { type, path: path.trim() } })}>Start the job</Button>}>
      <label className="col" style={{ gap: 4 }}>Deployment<select className="select" value={to} onChange={(event) => setTo(event.target.value)}>{deployments.map((item) => <option key={item.name}>{item.name}</option>)}</select></label>
      <label className="col" style={{ gap: 4 }}>Input<input className="input mono" list="data-there" value={path} placeholder="azureml:patients:2, or an address" onChange={(event) => setPath(event.target.value)} /></label>
      <datalist id="data-there">{data.data?.items.map((item) => <option key={item.name} value={`azureml:${item.name}:${item.version}`} />)}</datalist>
      <pre className="code">zaffre batch-endpoint invoke --name {quote(name)} --deployment-name {quote(to)} --input {quote(path || "PATH")}</pre>
      {invoke.error && <Failure error={invoke.error} />}
    </Modal>
  );
}
