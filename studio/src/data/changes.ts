// What somebody else changed is asked again: the server says of which noun, every page that shows it looks again.
import { useEffect, useRef } from "react";
import { isRefused, queries, useTopic } from "./hooks";

const FIRST_MS = 40; // changes come in bundles
const NEXT_MS = 400; // and a page is not asked more often than this
/** What shows things of another noun too. */
const SHOWN_IN: Record<string, string[]> = {
  jobs: ["runs.search", "runs.count", "runs.compare", "batch-endpoint.jobs", "compute.use"],
  data: ["lineage."],
  model: ["audit.", "lineage."],
  environment: ["lineage."],
  component: ["lineage."],
  "online-deployment": ["online-endpoint.", "model.show"],
  "online-endpoint": ["online-deployment.", "model.show"],
  "batch-deployment": ["batch-endpoint.", "model.show"],
  "batch-endpoint": ["batch-deployment.", "model.show"],
  storage: ["environment.build_log", "server."],
};

/** Whether an answer may be another after these changes: pairs of a noun and, for jobs, a name. */
export function touched(key: readonly unknown[], changes: readonly (readonly [string, string])[]): boolean {
  const asked = String(key[0]);
  const about = (key[1] as { name?: unknown } | undefined)?.name;
  return changes.some(([noun, name]) => (asked.startsWith(`${noun}.`) ? !name || about === undefined || about === name : (SHOWN_IN[noun] ?? []).some((start) => asked.startsWith(start))));
}

export function useChanges(): void {
  const waiting = useRef<[string, string][]>([]);
  const all = useRef(false);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const last = useRef(0);
  useEffect(() => () => clearTimeout(timer.current), []);
  const look = () => {
    const [changes, every] = [waiting.current, all.current];
    [waiting.current, all.current, timer.current, last.current] = [[], false, undefined, Date.now()];
    void queries.invalidateQueries({ predicate: (query) => !isRefused(query) && (every || touched(query.queryKey, changes)) });
  };
  useTopic("changes", (frame) => {
    if (frame.op === "gap") all.current = true;
    if (frame.op === "evt") waiting.current.push(...frame.data.changes);
    if (all.current || waiting.current.length) timer.current ??= setTimeout(look, Math.max(FIRST_MS, NEXT_MS - (Date.now() - last.current)));
  });
}
