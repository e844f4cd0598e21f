import { useEffect, useState } from "react";
import type { Ask, Told } from "../workers/layout";

export const WIDTH = 216;
export const HEIGHT = 50;
let worker: Worker | null = null;
let last = 0;
const known = new Map<string, Told["places"]>();

/** Where the nodes stand, null until it is known; `key` names the graph and is all that counts. */
export function useLayout(key: string, nodes: string[], edges: [string, string][]): Told["places"] | null {
  const [places, setPlaces] = useState<{ key: string; places: Told["places"] } | null>(null);
  useEffect(() => {
    if (!nodes.length || known.has(key)) return;
    worker ??= new Worker(new URL("../workers/layout.ts", import.meta.url), { type: "module" });
    const id = ++last;
    const hear = (message: MessageEvent<Told>) => {
      if (message.data.id !== id) return;
      known.set(key, message.data.places);
      setPlaces({ key, places: message.data.places });
    };
    worker.addEventListener("message", hear);
    worker.postMessage({ id, nodes, edges, width: WIDTH, height: HEIGHT } satisfies Ask);
    return () => worker?.removeEventListener("message", hear);
    // the key stands for the nodes and edges
  }, [key]);
  return known.get(key) ?? (places?.key === key ? places.places : null);
}
