// A pipeline as it runs: the list of steps, the graph, and what one step is about. The list works without the graph.
import "@xyflow/react/dist/style.css";
import { Background, BackgroundVariant, Controls, Handle, Position, ReactFlow, useStore, type Edge as FlowEdge, type Node as FlowNode, type NodeProps, type ReactFlowInstance } from "@xyflow/react";
import { createContext, useCallback, useContext, useEffect, useMemo, useRef, useState } from "react";
import type { JobView, StepState } from "../data/api";
import { useApi } from "../data/hooks";
import { useAddress } from "../data/nav";
import { Answer, Empty, FilterField, Skeleton, Status } from "../kit/basic";
import { Icon } from "../kit/Icon";
import { collapse, related, worst, type Stack } from "../lib/collapse";
import { between, duration, middle } from "../lib/format";
import { isLive, look, RANK } from "../lib/status";
import { useNow } from "../routes/run/clock";
import { useTheme } from "../shell/state";
import { Inspector } from "./Inspector";
import { HEIGHT, useLayout, WIDTH } from "./layout";
import { useStates } from "./states";

const MOST = 500; // nodes; a larger graph is asked for in parts

interface Drawn {
  states: Map<string, StepState>;
  selected: string | null;
  lit: Set<string> | null;
  live: boolean;
  kinds: Map<string, { kind: string; component?: string | null; steps?: number | null }>;
}
const Shown = createContext<Drawn>({ states: new Map(), selected: null, lit: null, live: false, kinds: new Map() });

export default function PipelineRun({ job }: { job: JobView }) {
  const graph = useApi("jobs.graph", { name: job.name }, { staleTime: "static" });
  const states = useStates(job);
  const [address, setAddress] = useAddress();
  const [hovered, setHovered] = useState<string | null>(null);
  const [wanted, setWanted] = useState("");
  const selected = address.step ?? null;
  const select = useCallback((step: string | null) => setAddress({ step: step ?? undefined }), [setAddress]);
  const items = states.data?.items ?? [];
  const by = useMemo(() => new Map(items.map((item) => [item.node, item])), [items]);
  const nodes = graph.data?.nodes ?? [];
  const edges = graph.data?.edges ?? [];
  const names = useMemo(() => nodes.map((node) => node.name).filter((name) => name.toLowerCase().includes(wanted.toLowerCase())), [nodes, wanted]);
  const live = isLive(states.data?.status ?? job.status);

  const ordered = useMemo(() => {
    const all = names.map((name) => ({ name, state: by.get(name) }));
    return all.sort((one, other) => (RANK[one.state?.status ?? "NotStarted"] ?? 9) - (RANK[other.state?.status ?? "NotStarted"] ?? 9) || names.indexOf(one.name) - names.indexOf(other.name));
  }, [names, by]);
  const orderShown = live ? names.map((name) => ({ name, state: by.get(name) })) : ordered;

  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.target instanceof HTMLInputElement || event.metaKey || event.ctrlKey) return;
      const of = (status: (text: string) => boolean) => ordered.filter((item) => item.state && status(item.state.status)).map((item) => item.name);
      if (event.key === "f") select(of((status) => ["Running", "Starting", "Preparing"].includes(status))[0] ?? selected);
      if (event.key === "e") {
        const failed = of((status) => status === "Failed");
        select(failed[(failed.indexOf(selected ?? "") + 1) % Math.max(1, failed.length)] ?? selected);
      }
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, [ordered, selected, select]);

  const lit = useMemo(() => (hovered ? related(hovered, edges) : null), [hovered, edges]);
  const drawn: Drawn = useMemo(() => ({ states: by, selected, lit, live, kinds: new Map(nodes.map((node) => [node.name, node])) }), [by, selected, lit, live, nodes]);
  const counts = tally(items);
  return (
    <div className={`pipe ${selected ? "" : "closed"}`}>
      <div className="steps" role="region" aria-label="Steps" tabIndex={0}>
        <div style={{ padding: "0 0 8px" }}><FilterField value={wanted} onChange={setWanted} placeholder={`Filter ${nodes.length || ""} steps`} label="Filter steps" /></div>
        <Summary counts={counts} total={nodes.length} />
        <Answer of={graph}>
          {() => (
            <ul>
              {orderShown.slice(0, 1000).map(({ name, state }) => (
                <li key={name}><Step name={name} state={state} selected={selected === name} select={select} live={live} /></li>
              ))}
              {!orderShown.length && <li className="dim" style={{ padding: 8 }}>No step is called that.</li>}
            </ul>
          )}
        </Answer>
      </div>
      <div style={{ minWidth: 0, minHeight: 0, position: "relative", display: "flex" }}>
        {graph.data ? names.length > MOST ? <Empty title={`${names.length} steps`}>A picture of more than {MOST} would not be readable. Filter the steps at the left to draw a part; the list and the timeline show all.</Empty> : <Shown.Provider value={drawn}><Canvas key={graph.data.hash} hash={graph.data.hash + wanted} names={names} edges={edges} select={select} hover={setHovered} /></Shown.Provider> : <Skeleton />}
      </div>
      {selected && <Inspector key={selected} step={by.get(selected)} name={selected} close={() => select(null)} pipeline={job} />}
    </div>
  );
}

function tally(items: StepState[]) {
  const reused = items.filter((item) => item.reused_from);
  return {
    done: items.filter((item) => item.status === "Completed" && !item.reused_from).length,
    reused: reused.length,
    failed: items.filter((item) => item.status === "Failed").length,
    running: items.filter((item) => ["Running", "Starting", "Preparing", "Finalizing"].includes(item.status)).length,
    saved: reused.reduce((sum, item) => sum + (item.saved_s ?? 0), 0),
  };
}

function Summary({ counts, total }: { counts: ReturnType<typeof tally>; total: number }) {
  if (!total) return null;
  const part = (count: number, color: string) => (count ? <i style={{ width: `${(count / total) * 100}%`, background: `var(${color})` }} /> : null);
  const words = [counts.failed && `${counts.failed} failed`, counts.running && `${counts.running} running`, counts.done && `${counts.done} completed`, counts.reused && `${counts.reused} reused`].filter(Boolean).join(", ");
  return (
    <div style={{ padding: "0 8px 10px" }}>
      <div className="meter">{part(counts.failed, "--bad")}{part(counts.running, "--accent")}{part(counts.done, "--ok")}{part(counts.reused, "--cache")}</div>
      <div className="dim" style={{ marginTop: 4, fontSize: 11 }} aria-live="polite">{words || "waiting"}{counts.saved ? `; ${duration(counts.saved)} saved` : ""}</div>
    </div>
  );
}

function Step({ name, state, selected, select, live }: { name: string; state: StepState | undefined; selected: boolean; select: (name: string) => void; live: boolean }) {
  const status = state?.status ?? "NotStarted";
  const now = useNow(live && ["Running", "Starting", "Preparing"].includes(status));
  const time = state?.reused_from ? "" : duration(between(state?.started_at, state?.ended_at, now));
  return (
    <button type="button" className="stepitem" aria-current={selected} onClick={() => select(name)} title={name}>
      <Status status={status} reused={!!state?.reused_from} label={false} />
      <span className="clip">{middle(name, 24)}</span>
      <span className="time">{time}</span>
    </button>
  );
}

type Data = { stack: Stack };

function Canvas({ hash, names, edges, select, hover }: { hash: string; names: string[]; edges: { source: string; target: string }[]; select: (step: string | null) => void; hover: (step: string | null) => void }) {
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const shape = useMemo(() => {
    const inside = new Set(names);
    const own = edges.filter((edge) => inside.has(edge.source) && inside.has(edge.target));
    const made = collapse(names, own);
    const unfolded = made.stacks.flatMap((stack) => (open.has(stack.id) ? stack.members.map((name) => ({ id: name, title: name, members: [name] })) : [stack]));
    if (!open.size) return { stacks: unfolded, edges: made.edges };
    const of = new Map(unfolded.flatMap((stack) => stack.members.map((member) => [member, stack.id] as const)));
    const seen = new Map<string, { source: string; target: string }>();
    for (const edge of own) {
      const [source, target] = [of.get(edge.source)!, of.get(edge.target)!];
      if (source !== target) seen.set(`${source}\n${target}`, { source, target });
    }
    return { stacks: unfolded, edges: [...seen.values()] };
  }, [names, edges, open]);
  const places = useLayout(`${hash}${[...open].join()}`, shape.stacks.map((stack) => stack.id), shape.edges.map((edge) => [edge.source, edge.target]));
  const [theme] = useTheme();
  const flow = useRef<ReactFlowInstance<FlowNode<Data>> | null>(null);
  const nodes = useMemo(
    () => (places ? shape.stacks.filter((stack) => places[stack.id]).map((stack): FlowNode<Data> => ({ id: stack.id, type: "step", position: { x: places[stack.id]![0], y: places[stack.id]![1] }, data: { stack }, width: WIDTH, height: HEIGHT, draggable: false, connectable: false })) : []),
    [places, shape],
  );
  const lines = useMemo(() => shape.edges.map((edge): FlowEdge => ({ id: `${edge.source}-${edge.target}`, source: edge.source, target: edge.target, type: "smoothstep", style: { stroke: "var(--line-2)", strokeWidth: 1.3 }, focusable: false })), [shape]);
  useEffect(() => {
    requestAnimationFrame(() => void flow.current?.fitView({ padding: 0.12, minZoom: 0.55, maxZoom: 1 }));
  }, [places]);
  if (!places) return <Skeleton />;
  return (
    <Zoomed>
      <ReactFlow
        nodes={nodes}
        edges={lines}
        nodeTypes={KINDS}
        onInit={(instance) => {
          flow.current = instance as never;
          void instance.fitView({ padding: 0.12, minZoom: 0.55, maxZoom: 1 });
        }}
        minZoom={0.1}
        maxZoom={1.6}
        nodesFocusable={false}
        edgesFocusable={false}
        elementsSelectable={false}
        onNodeClick={(_, node) => {
          const stack = (node.data as Data).stack;
          if (stack.members.length > 1) setOpen(new Set([...open, stack.id]));
          else select(stack.members[0]!);
        }}
        onNodeMouseEnter={(_, node) => hover((node.data as Data).stack.members[0]!)}
        onNodeMouseLeave={() => hover(null)}
        onPaneClick={() => select(null)}
        colorMode={theme === "dark" ? "dark" : "light"}
        aria-label="Graph of the pipeline; the list of steps at the left says the same"
      >
        <Background variant={BackgroundVariant.Dots} gap={20} size={1} color="var(--line-2)" bgColor="var(--bg)" />
        <Controls showInteractive={false} position="bottom-left" />
      </ReactFlow>
    </Zoomed>
  );
}

const Zoomed = ({ children }: { children: React.ReactNode }) => <div style={{ flex: 1, minWidth: 0, minHeight: 0 }}>{children}</div>;

function StepNode({ data }: NodeProps) {
  const { stack } = data as Data;
  const { states, selected, lit, live, kinds } = useContext(Shown);
  const far = useStore((store) => store.transform[2] < 0.8);
  const mine = stack.members.map((name) => states.get(name));
  const status = stack.members.length > 1 ? worst(mine.map((state) => state?.status ?? "NotStarted")) : (mine[0]?.status ?? "NotStarted");
  const reused = mine.every((state) => state?.reused_from);
  const { role } = look(status, reused);
  const faded = lit && !stack.members.some((name) => lit.has(name));
  const kind = kinds.get(stack.members[0]!);
  const running = live && ["Running", "Starting", "Preparing"].includes(status);
  const now = useNow(running);
  const first = mine[0];
  const said = stack.members.length > 1 ? `${mine.filter((state) => state?.status === "Completed").length} of ${stack.members.length} done` : reused ? `reused${first?.saved_s ? `, saved ${duration(first.saved_s)}` : ""}` : first?.started_at ? `${look(status).label} · ${duration(between(first.started_at, first.ended_at, now))}` : look(status).label;
  return (
    <div className={`node ${role} ${selected && stack.members.includes(selected) ? "sel" : ""} ${faded ? "faded" : ""} ${stack.members.length > 1 ? "stacked" : ""} ${far ? "far" : ""}`} title={`${stack.title}: ${said}${kind?.component ? `\n${kind.component}` : ""}`}>
      <Handle type="target" position={Position.Top} style={HIDDEN} />
      <Status status={status} reused={reused} label={false} />
      <div className="grow" style={{ minWidth: 0 }}>
        <div className="nm clip" style={far ? { fontSize: 17 } : undefined}>{middle(stack.title, far ? 18 : 25)}{stack.members.length > 1 ? ` ×${stack.members.length}` : ""}</div>
        {!far && <div className="sb clip">{said}</div>}
      </div>
      {kind?.kind === "pipeline" && <Icon name="pipelines" size={14} />}
      <Handle type="source" position={Position.Bottom} style={HIDDEN} />
    </div>
  );
}
const HIDDEN = { visibility: "hidden", width: 1, height: 1, minWidth: 1, minHeight: 1 } as const;
const KINDS = { step: StepNode };
