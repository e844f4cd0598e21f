// What something was made from and what came of it: a list that works alone, and a picture beside it.
import "@xyflow/react/dist/style.css";
import { Background, BackgroundVariant, Controls, Handle, Position, ReactFlow, type Edge as FlowEdge, type Node as FlowNode, type NodeProps } from "@xyflow/react";
import { useMemo } from "react";
import type { LineageNode } from "../data/api";
import { useApi } from "../data/hooks";
import { jobPath, useAddress } from "../data/nav";
import { Answer, Segments, Status } from "../kit/basic";
import { Go } from "../kit/Go";
import { Icon } from "../kit/Icon";
import { middle } from "../lib/format";
import { useTheme } from "../shell/state";
import { HEIGHT, useLayout, WIDTH } from "./layout";

const PLACES: Record<string, string> = { data: "data", model: "models", environment: "environments", component: "components" };
const ICONS: Record<string, string> = { ...PLACES, job: "jobs", output: "folder", uri: "link" };
const DEPTHS = [["1", "1"], ["2", "2"], ["3", "3"], ["5", "5"]] as const;

export default function LineageGraph({ kind, name, version }: { kind: string; name: string; version?: string }) {
  const [address, setAddress] = useAddress();
  const depth = DEPTHS.some(([key]) => key === address.depth) ? address.depth! : "2";
  const found = useApi("lineage.graph", { kind, name, version, depth: Number(depth) }, { staleTime: 10_000 });
  return (
    <div className="lineage">
      <section aria-label="Made from and used by" className="list" tabIndex={0}>
        <div className="row" style={{ padding: 8 }}>
          <span className="dim grow">Jobs on the way</span>
          <Segments label="Depth" value={depth} options={DEPTHS} onChange={(next) => setAddress({ depth: next === "2" ? undefined : next })} />
        </div>
        <Answer of={found}>
          {(graph) => (
            <>
              <Part title="Made from" nodes={graph.nodes.filter((node) => node.level < 0).sort((one, other) => other.level - one.level)} />
              <Part title="Used by" nodes={graph.nodes.filter((node) => node.level > 0).sort((one, other) => one.level - other.level)} />
              {graph.nodes.length === 1 && <p className="dim" style={{ padding: 8 }}>Nothing is known to have made it or to use it. Jobs that name it in `inputs` or `outputs` show here.</p>}
            </>
          )}
        </Answer>
      </section>
      {found.data && found.data.nodes.length > 1 && <Picture root={found.data.root} nodes={found.data.nodes} edges={found.data.edges} />}
    </div>
  );
}

function Part({ title, nodes }: { title: string; nodes: LineageNode[] }) {
  if (!nodes.length) return null;
  return (
    <>
      <h3 className="dim" style={{ padding: "8px 8px 2px" }}>{title} · {nodes.length}</h3>
      <ul>
        {nodes.map((node) => (
          <li key={node.id} className="row" style={{ padding: "0 8px", minHeight: 26, paddingLeft: 8 + 10 * (Math.abs(node.level) - 1) }}>
            {node.status ? <Status status={node.status} label={false} /> : <Icon name={ICONS[node.kind] ?? "file"} size={14} />}
            <Named node={node} />
            {node.more && <span className="chip" title="It has more than is shown here: open it">more</span>}
          </li>
        ))}
      </ul>
    </>
  );
}

const title = (node: LineageNode): string => (node.kind === "job" ? node.title || node.name : node.kind === "output" ? `output ${node.name.split("/")[1]}` : node.version ? `${node.name}:${node.version}` : node.name);

function Named({ node }: { node: LineageNode }) {
  const text = <span className="clip" title={node.name}>{middle(title(node), 34)}</span>;
  if (node.kind === "job") return <Go to={jobPath(node.name)} search={{ tab: "lineage" }} className="link clip">{text}</Go>;
  if (node.kind === "output") return <Go to={jobPath(node.name.split("/")[0]!)} search={{ tab: "outputs", output: node.name.split("/")[1] }} className="link clip">{text}</Go>;
  const place = PLACES[node.kind];
  if (place) return <Go to={`/${place}/${encodeURIComponent(node.name)}`} search={{ version: node.version ?? undefined }} className="link clip">{text}</Go>;
  return <span className="mono clip" title={node.name}>{node.name}</span>;
}

type Data = { node: LineageNode; root: boolean };

function Picture({ root, nodes, edges }: { root: string; nodes: LineageNode[]; edges: { source: string; target: string; port: string }[] }) {
  const ids = useMemo(() => nodes.map((node) => node.id), [nodes]);
  const pairs = useMemo(() => edges.map((edge) => [edge.source, edge.target] as [string, string]), [edges]);
  const places = useLayout(JSON.stringify([ids, pairs]), ids, pairs);
  const [theme] = useTheme();
  if (!places) return <div aria-busy="true" />;
  const shown = nodes.filter((node) => places[node.id]).map((node): FlowNode<Data> => ({ id: node.id, type: "thing", position: { x: places[node.id]![0], y: places[node.id]![1] }, data: { node, root: node.id === root }, width: WIDTH, height: HEIGHT, draggable: false, connectable: false }));
  const lines = edges.map((edge): FlowEdge => ({ id: `${edge.source}-${edge.target}`, source: edge.source, target: edge.target, type: "smoothstep", style: { stroke: "var(--line-2)", strokeWidth: 1.3 }, focusable: false }));
  return (
    <div style={{ minWidth: 0, position: "relative" }}>
      <ReactFlow key={ids.join()} nodes={shown} edges={lines} nodeTypes={KINDS} fitView fitViewOptions={{ padding: 0.12, minZoom: 0.55, maxZoom: 1 }} minZoom={0.1} maxZoom={1.6} nodesFocusable={false} edgesFocusable={false} elementsSelectable={false} colorMode={theme === "dark" ? "dark" : "light"} aria-label="Lineage">
        <Background variant={BackgroundVariant.Dots} gap={18} size={1} color="var(--line)" />
        <Controls showInteractive={false} />
      </ReactFlow>
    </div>
  );
}

function Thing({ data: { node, root } }: NodeProps<FlowNode<Data>>) {
  return (
    <div className="thing" data-root={root}>
      <Handle type="target" position={Position.Top} />
      <div className="row">
        {node.status ? <Status status={node.status} label={false} /> : <Icon name={ICONS[node.kind] ?? "file"} size={14} />}
        <b className="clip"><Named node={node} /></b>
      </div>
      <div className="dim" style={{ fontSize: 11 }}>{node.kind}{node.more ? " · more" : ""}</div>
      <Handle type="source" position={Position.Bottom} />
    </div>
  );
}
const KINDS = { thing: Thing };
