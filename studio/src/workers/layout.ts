// Positions of the nodes of a graph, computed beside the page. Only ids and edges come in; a status never does.
import { graphlib, layout } from "@dagrejs/dagre";

export interface Ask {
  id: number;
  nodes: string[];
  edges: [string, string][];
  width: number;
  height: number;
}
export interface Told {
  id: number;
  places: Record<string, [number, number]>;
}

self.onmessage = (message: MessageEvent<Ask>) => {
  const { id, nodes, edges, width, height } = message.data;
  const graph = new graphlib.Graph();
  graph.setGraph({ rankdir: "TB", ranker: "tight-tree", nodesep: 18, ranksep: 40 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const node of nodes) graph.setNode(node, { width, height });
  for (const [source, target] of edges) graph.setEdge(source, target);
  layout(graph);
  const places: Told["places"] = {};
  for (const node of nodes) {
    const { x, y } = graph.node(node) as { x: number; y: number };
    places[node] = [x - width / 2, y - height / 2];
  }
  self.postMessage({ id, places } satisfies Told);
};
