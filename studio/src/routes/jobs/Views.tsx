import { useState } from "react";
import type { SavedView } from "../../data/api";
import { useAction, useApi } from "../../data/hooks";
import { useGo } from "../../data/nav";
import { Button } from "../../kit/basic";
import { Menu } from "../../kit/opener";
import { Modal } from "../../kit/dialog";
import { savedPart, type Jobs } from "./state";

export function Views({ jobs }: { jobs: Jobs }) {
  const list = useApi("views.list", { page: "jobs" });
  const go = useGo();
  const [naming, setNaming] = useState(false);
  const [name, setName] = useState("");
  const [shared, setShared] = useState(false);
  const now = savedPart(jobs.address);
  const views: SavedView[] = list.data?.items ?? [];
  const current = views.find((view) => view.query === now);
  const create = useAction("views.create", "Saved");
  const update = useAction("views.update", "Saved");
  const remove = useAction("views.delete", "Deleted");
  const open = (view: SavedView) => go("/jobs", { workspace: jobs.address.workspace, ...Object.fromEntries(new URLSearchParams(view.query)) });
  return (
    <>
      <Menu
        trigger={<Button icon="save" kind="ghost">{current?.name ?? "View"}</Button>}
        items={[
          { label: "Saved views", heading: true },
          ...views.map((view) => ({ label: view.name + (view.shared ? " (shared)" : ""), icon: view === current ? "check" : "chart", run: () => open(view) })),
          ...(views.length ? [null] : []),
          { label: "Save this view as ...", icon: "save", run: () => setNaming(true) },
          ...(current ? [{ label: `Delete “${current.name}”`, icon: "trash", danger: true, run: () => remove.mutate({ id: current.id }) }] : views.length ? views.map((view) => ({ label: `Overwrite “${view.name}”`, icon: "save", run: () => update.mutate({ id: view.id, version: view.version, query: now }) })) : []),
          ...(jobs.address.q || now ? [{ label: "Back to the plain view", icon: "retry", run: () => go("/jobs") }] : []),
        ]}
      />
      <Modal open={naming} close={() => setNaming(false)} title="Save this view" actions={<><Button onClick={() => setNaming(false)}>Cancel</Button><Button kind="primary" disabled={!name.trim() || create.isPending} onClick={() => create.mutate({ name: name.trim(), page: "jobs", query: now, shared }, { onSuccess: () => setNaming(false) })}>Save</Button></>}>
        <label className="col">Name<input className="input" value={name} autoFocus onChange={(event) => setName(event.target.value)} /></label>
        <label className="row"><input type="checkbox" checked={shared} onChange={(event) => setShared(event.target.checked)} />Everybody in this workspace sees it</label>
        <p className="dim">Filter, columns, order, groups, charts and visible runs are kept.</p>
      </Modal>
    </>
  );
}
