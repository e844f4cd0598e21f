import { Link, Outlet, useLocation } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { loadToasts, Toasts } from "../kit/toast";
import { ApiError } from "../data/client";
import { useChanges } from "../data/changes";
import { queries, useApi, useConnection, useRefetchSoon, useTopic, useWorkspace } from "../data/hooks";
import { useGo } from "../data/nav";
import { connect } from "../data/socket";
import { Button, Empty, Menu, Snippet, Tip } from "../kit/basic";
import { current } from "../kit/Go";
import { Icon } from "../kit/Icon";
import { isWriting, SHORTCUTS } from "../lib/keys";
import { CodePanel } from "./CodePanel";
import { PageHead } from "./PageHead";
import { act, useSection } from "./state";

const palette = () => import("./Palette");
const sheet = () => import("./Sheet");
const Palette = lazy(async () => ({ default: (await palette()).Palette }));
const Sheet = lazy(async () => ({ default: (await sheet()).Sheet }));
const LATER_MS = 10_000; // what the first page does not need; then it is there even when the server is not

const GROUPS: [string, [string, string, string][]][] = [
  ["", [["/", "Home", "home"]]],
  ["Build", [["/jobs", "Jobs", "jobs"], ["/pipelines", "Pipelines", "pipelines"]]],
  ["Assets", [["/data", "Data", "data"], ["/models", "Models", "models"], ["/environments", "Environments", "environments"], ["/components", "Components", "components"]]],
  ["Operate", [["/endpoints", "Endpoints", "endpoints"]]],
  ["Manage", [["/compute", "Compute", "compute"], ["/datastores", "Datastores", "datastores"], ["/settings", "Settings", "settings"]]],
];

const LIVE = /^(runs|jobs|pipelines|compute)\.(?!keys)/;

export function Shell() {
  const workspace = useWorkspace();
  const status = useApi("server.status", {}, { staleTime: 60_000 });
  const denied = status.error instanceof ApiError && status.error.status === 401;
  useEffect(() => {
    if (!denied && status.data) connect(workspace);
  }, [workspace, denied, !!status.data]);
  if (denied) return <Login />;
  return <House workspace={workspace} />;
}

function House({ workspace }: { workspace: string }) {
  const [narrow, setNarrow] = useState(() => localStorage.getItem("zaffre.rail") === "narrow");
  const [dialog, setDialog] = useState<"palette" | "sheet" | null>(null);
  const refetch = useRefetchSoon(["runs.search", "runs.count", "jobs.list", "server.status", "compute.use"]);
  const connection = useConnection();
  const wasOpen = useRef(false);
  useTopic("runs", refetch);
  useChanges();
  useEffect(() => {
    const timer = setTimeout(() => void Promise.allSettled([palette(), sheet(), loadToasts()]), LATER_MS);
    return () => clearTimeout(timer);
  }, []);
  useEffect(() => {
    if (connection.state !== "lost" || connection.failures < 3) return;
    const timer = setInterval(() => void queries.invalidateQueries(), 5_000);
    return () => clearInterval(timer);
  }, [connection]);
  useEffect(() => {
    if (connection.state !== "open") return;
    const first = !wasOpen.current; // then only what runs may have changed since it was asked for
    wasOpen.current = true;
    void queries.invalidateQueries({ predicate: (query) => query.state.dataUpdatedAt < connection.since && (!first || LIVE.test(String(query.queryKey[0]))) });
  }, [connection.state]);
  const fold = () => {
    localStorage.setItem("zaffre.rail", narrow ? "wide" : "narrow");
    setNarrow(!narrow);
  };
  useShortcuts({ palette: () => setDialog("palette"), sheet: () => setDialog("sheet"), rail: fold });
  return (
    <>
    <div className={`shell ${narrow ? "narrow" : ""}`}>
      <a href="#main" className="sr" onClick={(event) => { event.preventDefault(); document.querySelector<HTMLElement>("main")?.focus(); }}>
        Skip to the page
      </a>
      <Rail workspace={workspace} narrow={narrow} fold={fold} search={() => setDialog("palette")} />
      <div className="main">
        {connection.state === "lost" && connection.failures > 1 && (
          <div className="offline" role="status">
            <Icon name="s-warn" size={14} />
            Reconnecting. Data from {new Date(connection.since).toLocaleTimeString()}
            {connection.failures >= 3 && ", asked again every 5 seconds"}
          </div>
        )}
        <main className="page" id="main" tabIndex={-1}>
          <Outlet />
        </main>
      </div>
    </div>
      <Suspense fallback={null}>
        {dialog === "palette" && <Palette open close={() => setDialog(null)} />}
        {dialog === "sheet" && <Sheet open close={() => setDialog(null)} />}
      </Suspense>
      <CodePanel />
      <Toasts />
    </>
  );
}

function Rail({ workspace, narrow, fold, search }: { workspace: string; narrow: boolean; fold: () => void; search: () => void }) {
  const path = useLocation({ select: (location) => location.pathname });
  const connection = useConnection();
  const status = useApi("server.status", {}, { staleTime: 60_000 });
  const section = useSection();
  const here = section ?? path;
  return (
    <div className="rail">
      <div className="brand">
        <svg viewBox="0 0 32 32" aria-hidden="true">
          <rect width="32" height="32" rx="8" fill="#0d51b0" />
          <path d="M9 9h14L9 23h14" fill="none" stroke="#fff" strokeWidth="3.4" strokeLinecap="round" strokeLinejoin="round" />
        </svg>
        <span className="text grow">Zaffre</span>
        <span className="end">
          <Button kind="ghost small" icon="rail" tip="Fold the navigation ( [ )" onClick={fold} />
        </span>
      </div>
      <button type="button" className="search" onClick={search} title="Search and commands">
        <Icon name="search" size={14} />
        <span className="text grow">Search</span>
        <kbd className="kbd end">{/Mac/.test(navigator.platform) ? "⌘K" : "Ctrl K"}</kbd>
      </button>
      <nav aria-label="Main">
        {GROUPS.map(([group, items]) => (
          <div key={group}>
            {group && <div className="group">{group}</div>}
            {items.map(([to, title, icon]) => {
              const active = to === "/" ? here === "/" : here.startsWith(to);
              const link = (
                <Link key={to} to={to as never} search={{} as never} className={`item ${active ? "active" : ""}`} aria-label={title} {...current(active)}>
                  <Icon name={icon} />
                  <span className="text">{title}</span>
                </Link>
              );
              return narrow ? <Tip key={to} text={title}>{link}</Tip> : link;
            })}
          </div>
        ))}
      </nav>
      <div className="foot">
        {narrow && <Button kind="ghost small" icon="rail" tip="Unfold the navigation ( [ )" onClick={fold} />}
        <Workspaces now={workspace} />
        <div className="item row" style={{ padding: "0 8px", height: 24 }} title={connection.state === "open" ? "Changes show as they happen" : "No live connection"}>
          <span className={`dot ${connection.state === "open" ? "ok" : connection.state === "lost" ? "warn" : ""}`} style={{ margin: "0 4px" }} />
          <span className="text dim clip">
            {connection.state === "open" ? "Live" : connection.state === "lost" ? "Reconnecting" : "Connecting"}
            {status.data ? ` · ${status.data.living_jobs} active` : ""}
          </span>
        </div>
      </div>
    </div>
  );
}

function Workspaces({ now }: { now: string }) {
  const list = useApi("workspace.list", {}, { staleTime: 60_000 });
  const go = useGo();
  return (
    <Menu
      trigger={
        <button type="button" className="item" aria-label={`Workspace ${now}`}>
          <Icon name="group" />
          <span className="text clip">{now}</span>
          <span className="end"><Icon name="down" size={12} /></span>
        </button>
      }
      items={[
        { label: "Workspace", heading: true },
        ...(list.data?.items ?? []).map((item) => ({ label: item.name, icon: item.name === now ? "check" : "group", run: () => go("/", { workspace: item.name === "default" ? undefined : item.name }) })),
      ]}
    />
  );
}

function useShortcuts(commands: Record<string, () => void>) {
  const go = useGo();
  const path = useLocation({ select: (location) => location.pathname });
  const latest = useRef(commands);
  latest.current = commands;
  useEffect(() => {
    let chord = 0;
    const press = (event: KeyboardEvent) => {
      if ((event.metaKey || event.ctrlKey) && event.key.toLowerCase() === "k") {
        event.preventDefault();
        latest.current.palette!();
        return;
      }
      if (event.metaKey || event.ctrlKey || event.altKey || event.defaultPrevented || isWriting(event.target) || document.querySelector("[role=dialog],[role=menu]")) return;
      const keys = Date.now() - chord < 900 ? `g ${event.key}` : event.key;
      chord = event.key === "g" && keys === "g" ? Date.now() : 0;
      const found = SHORTCUTS.find((item) => item.keys === keys && (item.scope === "Everywhere" || item.scope === "Go to"));
      if (!found) {
        if (event.key === "Escape") upOne(path, go);
        return;
      }
      event.preventDefault();
      if (found.scope === "Go to") go(found.command);
      else if (found.command === "filter") document.querySelector<HTMLInputElement>("main [data-filter]")?.focus();
      else if (found.command === "submit") go("/submit");
      else if (found.command === "code") act("code");
      else latest.current[found.command]?.();
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, [go, path]);
}

function upOne(path: string, go: (path: string) => void): void {
  const parts = path.split("/").filter(Boolean);
  if (parts.length > 1) go(`/${parts[0]}`);
}

function Login() {
  return (
    <main className="login">
      <div className="box">
        <svg viewBox="0 0 32 32" width="40" height="40" aria-hidden="true">
          <rect width="32" height="32" rx="8" fill="#0d51b0" />
          <path d="M9 9h14L9 23h14" fill="none" stroke="#fff" strokeWidth="3.4" strokeLinecap="round" strokeLinejoin="round" />
        </svg>
        <h1>Open the link with your token</h1>
        <p className="ink2">This browser has not logged in here. The command below prints a link that does; after that the browser stays logged in.</p>
        <Snippet text="zaffre status" />
      </div>
    </main>
  );
}

export function Lost() {
  const go = useGo();
  return (
    <>
    <PageHead title="Not found" />
    <Empty title="There is no such page" action={<Button kind="primary" onClick={() => go("/")}>Home</Button>}>
      The address leads nowhere in the Studio.
    </Empty>
    </>
  );
}
