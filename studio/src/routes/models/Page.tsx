import { useState } from "react";
import { NET_MS, useAction, useApi } from "../../data/hooks";
import { useAddress, useName } from "../../data/nav";
import { Answer, Button, Chip, Failure, Menu } from "../../kit/basic";
import { Deploy } from "../../kit/Deploy";
import { Tabs } from "../../kit/Go";
import { Icon } from "../../kit/Icon";
import { ago } from "../../lib/format";
import { show } from "../../lib/snippets";
import { PageHead } from "../../shell/PageHead";
import { useCommands } from "../../shell/state";
import { Decide, type Decision } from "./Approval";
import { ExportDialog } from "./Export";
import { Files } from "./Files";
import { Lineage } from "./Lineage";
import "./models.css";
import { Overview } from "./Overview";
import { AliasDialog, Promote } from "./Promote";
import { Trail } from "./Trail";
import { Versions } from "./Versions";

const CRUMBS = [{ title: "Models", to: "/models" }];
const TABS = ["overview", "versions", "lineage", "files", "history"];
type Dialog = "deploy" | "promote" | "alias" | "export" | Decision | null;

export function ModelPage() {
  const name = useName();
  const [address, setAddress] = useAddress();
  const versions = useApi("model.list", { name, max_results: 500, listed: "all" }, { refetchInterval: NET_MS, placeholderData: undefined });
  const chosen = useApi("model.show", address.version ? { name, version: address.version } : { name }, { refetchInterval: NET_MS, placeholderData: undefined });
  const archive = useAction("model.archive", "Archived");
  const restore = useAction("model.restore", "Restored");
  const [dialog, setDialog] = useState<Dialog>(null);
  const close = () => setDialog(null);
  const state = (chosen.data?.approval as { state?: string } | undefined)?.state ?? "None";
  const onnx = !!(chosen.data?.flavors as Record<string, unknown> | undefined)?.onnx;
  useCommands([
    { id: "deploy", title: `Deploy ${name}`, icon: "endpoints", run: () => setDialog("deploy") },
    { id: "promote", title: `Promote ${name}`, icon: "up", run: () => setDialog("promote") },
    ...(onnx ? [] : [{ id: "export", title: `Export ${name} to ONNX`, icon: "download", run: () => setDialog("export") }]),
  ]);
  if (chosen.error && !chosen.data) {
    return (
      <>
        <PageHead title={name} crumbs={CRUMBS} />
        <div className="scroll"><Failure error={chosen.error} retry={() => void chosen.refetch()} /></div>
      </>
    );
  }
  const tab = TABS.includes(address.tab ?? "") ? address.tab! : "overview";
  return (
    <Answer of={chosen}>
      {(item) => {
        const ref = { name, version: item.version };
        return (
          <>
            <PageHead
              title={name}
              crumbs={CRUMBS}
              status={
                <span className="row" style={{ flex: "none" }}>
                  <Menu
                    trigger={<Button kind="small">Version {item.version}<Icon name="down" size={12} /></Button>}
                    items={(versions.data?.items ?? []).map((one) => ({ label: `${one.version}${one.archived ? " (archived)" : ""}  ·  ${ago(one.created_at)}`, icon: one.version === item.version ? "check" : undefined, run: () => setAddress({ version: one.version }, true) }))}
                  />
                  {(item.labels ?? []).map((label) => <Chip key={label} kind={label === "latest" ? "" : "accent"}>{label}</Chip>)}
                  {state !== "None" && <Chip kind={state === "Approved" ? "ok" : state === "Rejected" ? "bad" : "warn"}>{state.toLowerCase()}</Chip>}
                  {item.archived && <Chip kind="warn">archived</Chip>}
                </span>
              }
              snippets={show("model", "models", name, "model.show", address.version)}
              actions={
                <>
                  <Button icon="up" onClick={() => setDialog("promote")}>Promote</Button>
                  <Button kind="primary" icon="endpoints" onClick={() => setDialog("deploy")}>Deploy</Button>
                  <Menu
                    trigger={<Button icon="more" kind="ghost" aria-label="More actions" />}
                    items={[
                      { label: "Ask for approval", icon: "bell", disabled: state === "Requested" || state === "Approved" ? `It is ${state.toLowerCase()} already` : false, run: () => setDialog("request") },
                      { label: "Approve", icon: "check", disabled: state === "Approved" ? "It is approved already" : false, run: () => setDialog("approve") },
                      { label: "Reject", icon: "close", disabled: state === "Rejected" ? "It is rejected already" : false, run: () => setDialog("reject") },
                      null,
                      { label: "Point an alias here", icon: "tag", run: () => setDialog("alias") },
                      { label: "Export to ONNX", icon: "download", disabled: onnx ? "It is ONNX already" : false, run: () => setDialog("export") },
                      null,
                      item.archived ? { label: "Restore this version", icon: "archive", run: () => restore.mutate(ref) } : { label: "Archive this version", icon: "archive", run: () => archive.mutate(ref) },
                    ]}
                  />
                </>
              }
            />
            <Tabs tabs={[["overview", "Overview"], ["versions", "Versions", versions.data?.items.length], ["lineage", "Lineage"], ["files", "Files"], ["history", "History"]]} />
            {tab === "overview" && <Overview item={item} versions={versions.data?.items} decide={setDialog} />}
            {tab === "versions" && <Versions items={versions.data?.items ?? []} now={item.version} />}
            {tab === "lineage" && <Lineage item={item} />}
            {tab === "files" && <Files name={name} version={item.version} />}
            {tab === "history" && <Trail name={name} />}
            {dialog === "deploy" && <Deploy model={name} version={item.version} close={close} />}
            {dialog === "promote" && <Promote item={item} close={close} />}
            {dialog === "alias" && <AliasDialog item={item} close={close} />}
            {dialog === "export" && <ExportDialog item={item} close={close} />}
            {(dialog === "request" || dialog === "approve" || dialog === "reject") && <Decide decision={dialog} name={name} version={item.version} close={close} />}
          </>
        );
      }}
    </Answer>
  );
}
