// The address becomes one query object, from which search, count, code and saved view are made.
import { useInfiniteQuery } from "@tanstack/react-query";
import { useMemo, useRef } from "react";
import type { RunRow } from "../../data/api";
import { call } from "../../data/client";
import { useApi, useWorkspace } from "../../data/hooks";
import { useAddress, type Values } from "../../data/nav";
import { field, joined, listed, toFilter } from "../../lib/filter";
import { assign } from "../../lib/slots";

export const OWN_FIELDS = ["display_name", "type", "status", "experiment_name", "created_at", "started_at", "ended_at", "duration_s", "created_by", "compute", "parent_job_name", "node", "reused_from", "archived"];
const DEFAULT = ["created_at", "duration_s", "experiment_name"];
const CURVES = 4; // charts that a page begins with

export type Run = RunRow;
export type ViewName = "split" | "table" | "charts";

export interface Panel {
  kind: "line" | "scatter" | "parallel" | "bar" | "histogram" | "images" | "note";
  of: string[];
}
/** What a chart of this kind is of is a text of the user's own, not the name of a field. */
const FREE = new Set<Panel["kind"]>(["images", "note"]);
export const panelText = (panel: Panel): string => [panel.kind, ...(FREE.has(panel.kind) ? panel.of.map((text) => encodeURIComponent(text).replaceAll("~", "%7E")) : panel.of)].join("|");
const panelOf = (text: string): Panel => {
  const [kind, ...of] = text.split("|") as [Panel["kind"], ...string[]];
  return { kind, of: FREE.has(kind) ? of.map(plain) : of };
};
function plain(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // written by hand
  }
}

export function useJobs() {
  const workspace = useWorkspace();
  const [address, setAddress] = useAddress();
  const keys = useApi("runs.keys", { max_results: 10_000 }, { staleTime: 20_000 });
  const known = keys.data?.items ?? [];

  const chosenColumns = listed(address.cols);
  const columns = useMemo(() => {
    if (chosenColumns.length) return chosenColumns;
    const often = (kind: string, most: number) =>
      known.filter((item) => item.kind === kind && !item.key.startsWith("system/")).sort((one, other) => other.runs - one.runs || one.key.localeCompare(other.key)).slice(0, most).map((item) => `${kind}.${item.key}`);
    return ["status", ...often("metrics", 4), ...often("params", 3), ...DEFAULT];
  }, [address.cols, known]);

  const group = address.group;
  const fields = useMemo(() => [...new Set([...OWN_FIELDS, ...columns.filter((column) => field(column).kind !== "own"), ...(group && field(group).kind !== "own" ? [group] : []), ...(address.charts ?? "").split("~").map(panelOf).filter((panel) => !FREE.has(panel.kind)).flatMap((panel) => panel.of).filter((name) => field(name).kind !== "own")])], [columns, group, address.charts]);
  const query = {
    workspace,
    filter: toFilter(address.q ?? ""),
    order_by: address.sort ? [quoted(address.sort)] : [],
    top_level: address.steps !== "1",
    listed: address.listed ?? "active",
    fields: fields.map(quoted),
  };
  const choice = { workspace, filter: query.filter, top_level: query.top_level, listed: query.listed };
  const pages = useInfiniteQuery({
    queryKey: ["runs.search", query],
    queryFn: ({ pageParam, signal }) => call("runs.search", { ...query, max_results: 200, cursor: pageParam }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.cursor ?? undefined,
    placeholderData: (former) => former,
    enabled: keys.data !== undefined || keys.isError,
  });
  const count = useApi("runs.count", choice);
  const former = useRef<Map<string, Run>>(new Map());
  const rows = useMemo(() => {
    // a row that did not change stays the same object, so that it is not drawn again
    const next = new Map<string, Run>();
    for (const row of pages.data?.pages.flatMap((page) => page.items) ?? []) {
      const before = former.current.get(row.name);
      next.set(row.name, before && JSON.stringify(before) === JSON.stringify(row) ? before : row);
    }
    former.current = next;
    return [...next.values()];
  }, [pages.data]);

  const first = useMemo(() => {
    const drawn = rows.filter((row) => Object.keys(row.metrics ?? {}).length > 0);
    return (drawn.length ? drawn : rows).slice(0, 8).map((row) => row.name);
  }, [rows]);
  const visible = address.eyes === "none" ? [] : address.eyes ? listed(address.eyes) : first;
  const slots = useRef<Map<string, number>>(new Map());
  const visibleKey = visible.join();
  const assigned = useMemo(() => (slots.current = assign(visible, slots.current)), [visibleKey]);

  const metricKeys = known.filter((item) => item.kind === "metrics");
  const panels = useMemo((): Panel[] => {
    if (address.charts) return listed(address.charts).map(panelOf);
    return metricKeys.filter((item) => !item.key.startsWith("system/")).sort((one, other) => other.runs - one.runs || one.key.localeCompare(other.key)).slice(0, CURVES).map((item) => ({ kind: "line", of: [`metrics.${item.key}`] }));
  }, [address.charts, known]);

  return {
    address, setAddress, workspace, keys: known, columns, fields, query, choice, pages, count, rows, visible, panels, group,
    slots: assigned,
    view: (address.view ?? "split") as ViewName,
    baseline: address.base,
    setColumns: (next: string[]) => setAddress({ cols: joined(next) }),
    setPanels: (next: Panel[]) => setAddress({ charts: joined(next.map(panelText)) ?? "none" }),
    toggle: (name: string) => {
      const next = visible.includes(name) ? visible.filter((item) => item !== name) : [...visible, name];
      setAddress({ eyes: joined(next) ?? "none" });
    },
    selected: new Set(listed(address.sel)),
    select: (next: ReadonlySet<string>) => setAddress({ sel: joined([...next]) }),
  };
}
export type Jobs = ReturnType<typeof useJobs>;

function quoted(name: string): string {
  const [, body, direction] = /^(.*?)( desc)?$/.exec(name)!;
  const { kind, key } = field(body!);
  return kind === "own" || /^[\w./-]+$/.test(key) ? name : `${kind}."${key}"${direction ?? ""}`;
}

export function valueOf(row: Run, name: string): string | number | null | undefined {
  const { kind, key } = field(name);
  if (kind === "own") return (row as any)[key];
  return (row as any)[kind]?.[key];
}

/** What is saved as a view: the address without what is of the moment. */
export const savedPart = (address: Values): string => {
  const { workspace: _, sel: __, ...rest } = address;
  return new URLSearchParams(Object.entries(rest).filter((item): item is [string, string] => !!item[1])).toString();
};
