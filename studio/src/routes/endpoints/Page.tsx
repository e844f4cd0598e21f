import { useState } from "react";
import { toast } from "../../kit/toast";
import type { DeploymentView, EndpointView } from "../../data/api";
import { NET_MS, useAction, useApi } from "../../data/hooks";
import { assetPath, useAddress, useGo, useName } from "../../data/nav";
import { Answer, Button, Card, Copy, Empty, Failure, KeyValues, Menu, Status, Tags } from "../../kit/basic";
import { Deploy } from "../../kit/Deploy";
import { Modal } from "../../kit/dialog";
import { Go, Tabs } from "../../kit/Go";
import { ago, moment } from "../../lib/format";
import { show } from "../../lib/snippets";
import { PageHead } from "../../shell/PageHead";
import { useCommands } from "../../shell/state";
import { Console, modelOf } from "./Console";
import "./endpoints.css";
import { History } from "./History";
import { Keys } from "./Keys";
import { Live, RANGES } from "./Live";
import { Logs } from "./Logs";
import { Traffic } from "./Traffic";

const CRUMBS = [{ title: "Endpoints", to: "/endpoints" }];

export function EndpointPage() {
  const name = useName();
  const go = useGo();
  const [address, setAddress] = useAddress();
  const range = RANGES.some(([key]) => key === address.range) ? address.range! : "300";
  const endpoint = useApi("online-endpoint.show", { name }, { refetchInterval: NET_MS, placeholderData: undefined });
  const deployments = useApi("online-deployment.list", { endpoint: name }, { refetchInterval: NET_MS, placeholderData: undefined });
  const metrics = useApi("online-endpoint.metrics", { name, seconds: Number(range), points: 30 }, { refetchInterval: 2_000 });
  const stop = useAction("online-endpoint.stop", "Stopped");
  const start = useAction("online-endpoint.start", "Started");
  const rollback = useAction("online-endpoint.rollback", (told) => toast.success(told.message ?? "Taken back"), ["online-deployment."]);
  const remove = useAction("online-endpoint.delete", () => go("/endpoints"));
  const [dialog, setDialog] = useState<"deploy" | "delete" | null>(null);
  const stopped = !!endpoint.data?.stopped;
  useCommands([
    { id: "deploy", title: `Deploy a model to ${name}`, icon: "plus", run: () => setDialog("deploy") },
    { id: "console", title: `Ask ${name}`, icon: "play", run: () => setAddress({ tab: "console" }) },
    { id: "rollback", title: `Take back the last change of ${name}`, icon: "retry", run: () => rollback.mutate({ name }) },
  ]);
  if (endpoint.error && !endpoint.data) {
    return (
      <>
        <PageHead title={name} crumbs={CRUMBS} />
        <div className="scroll"><Failure error={endpoint.error} retry={() => void endpoint.refetch()} /></div>
      </>
    );
  }
  const items = deployments.data?.items ?? [];
  const tab = ["console", "logs", "history"].includes(address.tab ?? "") ? address.tab! : "overview";
  return (
    <Answer of={endpoint}>
      {(item) => (
        <>
          <PageHead
            title={name}
            crumbs={CRUMBS}
            status={<Status status={stopped ? "Stopped" : item.provisioning_state} />}
            snippets={show("online-endpoint", "online_endpoints", name, "online-endpoint.show")}
            actions={
              <>
                <Button icon="plus" onClick={() => setDialog("deploy")}>Deploy</Button>
                <Menu
                  trigger={<Button icon="more" kind="ghost" aria-label="More actions" />}
                  items={[
                    stopped ? { label: "Start", icon: "play", run: () => start.mutate({ name }) } : { label: "Stop", icon: "stop", run: () => stop.mutate({ name }) },
                    { label: "Take back the last change", icon: "retry", run: () => rollback.mutate({ name }) },
                    null,
                    { label: "Delete", icon: "trash", danger: true, run: () => setDialog("delete") },
                  ]}
                />
              </>
            }
          />
          <Tabs tabs={[["overview", "Overview"], ["console", "Console"], ["logs", "Logs"], ["history", "History"]]} />
          {tab === "overview" && (
            <div className="scroll" style={{ paddingTop: 12 }}>
              <div className="stack">
                {item.message && <div className="note warn">{item.message}</div>}
                {stopped && <div className="note warn">The endpoint is stopped: requests are answered with 503.</div>}
                <Answer of={deployments} lines={3}>
                  {(data) =>
                    data.items.length === 0 ? (
                      <Card title="Deployments"><Empty title="Nothing is deployed here yet" action={<Button kind="primary" onClick={() => setDialog("deploy")}>Deploy a model</Button>} snippet={`zaffre online-deployment create -f deployment.yml --all-traffic`}>A deployment is a version of a model with the environment that it runs in. Traffic is shared among several.</Empty></Card>
                    ) : (
                      <>
                        <div className="two">
                          <div className="stack">
                            <Traffic endpoint={item} deployments={data.items} metrics={metrics.data} />
                            <Deployments endpoint={item} items={data.items} />
                          </div>
                          <div className="stack">
                            <Facts item={item} />
                            <Keys name={name} />
                          </div>
                        </div>
                        <Answer of={metrics} lines={4}>{(told) => <Live metrics={told} names={data.items.map((one) => one.name)} range={range} />}</Answer>
                      </>
                    )
                  }
                </Answer>
                {items.length === 0 && <div className="two"><Keys name={name} /><Facts item={item} /></div>}
              </div>
            </div>
          )}
          {tab === "console" && <Console endpoint={item} deployments={items} />}
          {tab === "logs" && <Logs name={name} deployments={items} />}
          {tab === "history" && <History name={name} rollback={() => rollback.mutate({ name })} busy={rollback.isPending} />}
          {dialog === "deploy" && <Deploy endpoint={name} close={() => setDialog(null)} />}
          <Modal
            open={dialog === "delete"}
            close={() => setDialog(null)}
            title={`Delete ${name}?`}
            actions={<><Button onClick={() => setDialog(null)}>Keep it</Button><Button kind="danger" icon="trash" onClick={() => remove.mutate({ name })}>Delete</Button></>}
          >
            <p>Its {items.length} deployment{items.length === 1 ? "" : "s"}, keys and address are gone at once. Models stay.</p>
          </Modal>
        </>
      )}
    </Answer>
  );
}

const Facts = ({ item }: { item: EndpointView }) => (
  <Card title="Facts">
    <KeyValues
      items={[
        ["Address", item.scoring_uri && <span className="row" style={{ gap: 2 }}><span className="mono">{item.scoring_uri}</span><Copy text={item.scoring_uri} /></span>],
        ["Description", item.openapi_uri && <span className="row" style={{ gap: 2 }}><span className="mono">{item.openapi_uri}</span><Copy text={item.openapi_uri} /></span>],
        ["Opened by", item.auth_mode === "key" ? "two keys" : "tokens"],
        ["About", item.description as string],
        ["Created", item.created_at && <span title={moment(item.created_at)}>{ago(item.created_at)} by {item.created_by}</span>],
        ["Changed", item.changed_at && <span title={moment(item.changed_at)}>{ago(item.changed_at)}</span>],
        ["Tags", Object.keys((item.tags as object) ?? {}).length > 0 ? <Tags tags={item.tags as Record<string, unknown>} /> : undefined],
      ]}
    />
  </Card>
);

function Deployments({ endpoint, items }: { endpoint: EndpointView; items: DeploymentView[] }) {
  const [, setAddress] = useAddress();
  const remove = useAction("online-deployment.delete", "Deleted", ["online-endpoint."]);
  const traffic = (endpoint.traffic ?? {}) as Record<string, number>;
  return (
    <Card title={`Deployments · ${items.length}`} flush>
      <table className="plain">
        <thead><tr><th>Name</th><th>State</th><th>Runs</th><th className="num">Workers</th><th>Changed</th><th><span className="sr">Actions</span></th></tr></thead>
        <tbody>
          {items.map((item) => {
            const model = modelOf(item);
            const facts = item as any;
            return [
              <tr key={item.name}>
                <td>{item.name}</td>
                <td><Status status={item.provisioning_state} /></td>
                <td>{model ? <Go to={assetPath("models", model[0])} search={{ version: model[1] }} className="link mono">{model.join(":")}</Go> : facts.code_configuration ? <span className="mono">{facts.code_configuration.scoring_script}</span> : <span className="dim">a model of its own</span>}</td>
                <td className="num">{facts.workers ?? "–"}</td>
                <td className="dim" title={moment(item.changed_at)}>{ago(item.changed_at)}</td>
                <td className="num">
                  <Menu
                    trigger={<Button icon="more" kind="ghost small" aria-label={`Actions of ${item.name}`} />}
                    items={[
                      { label: "Ask it", icon: "play", run: () => setAddress({ tab: "console" }, true) },
                      { label: "Its log", icon: "file", run: () => setAddress({ tab: "logs", of: item.name }, true) },
                      null,
                      { label: "Delete", icon: "trash", danger: true, disabled: traffic[item.name] ? "It gets traffic: give that to another one first" : false, run: () => remove.mutate({ endpoint: endpoint.name, name: item.name }) },
                    ]}
                  />
                </td>
              </tr>,
              item.message && <tr key={`${item.name} says`}><td /><td colSpan={5} className="top"><span className="pre" style={{ color: item.provisioning_state === "Failed" ? "var(--bad)" : "var(--ink-2)" }}>{item.message}</span></td></tr>,
            ];
          })}
        </tbody>
      </table>
    </Card>
  );
}
