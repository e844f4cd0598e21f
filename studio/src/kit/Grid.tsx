// A table of any length: rows in view are drawn, ten more beside them; one keystroke moves, opens, selects.
import { memo, useEffect, useRef, useState, type KeyboardEvent, type ReactNode } from "react";
import { Icon } from "./Icon";
import { useLines } from "./lines";

export interface Column<T> {
  key: string;
  title: ReactNode;
  width: number;
  grow?: boolean;
  end?: boolean; // numbers stand at the right
  pin?: boolean;
  render: (row: T, at: number) => ReactNode;
  sort?: string | ((one: T, other: T) => number); // a name for the server, or how to compare here
  label?: string; // of the header, for those who listen
}

interface Props<T> {
  rows: readonly T[];
  columns: Column<T>[];
  id: (row: T) => string;
  label: string;
  open?: (row: T) => void;
  current?: string | null;
  selected?: ReadonlySet<string>;
  sort?: string; // "key" or "key desc", told by the server's names
  onSort?: (sort: string | undefined) => void;
  onKey?: (key: string, row: T, event: KeyboardEvent) => boolean | void;
  onEnd?: () => void; // the last rows came into view
  rowClass?: (row: T) => string;
  total?: number;
  onCurrent?: (row: T) => void;
}

const HEAD_PX = 30;

function heightOfRow(): number {
  return parseInt(getComputedStyle(document.documentElement).getPropertyValue("--row"), 10) || 28;
}

export function Grid<T>(props: Props<T>) {
  const { rows: given, columns, id, label, open, selected, onKey, onEnd, rowClass } = props;
  const box = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState(-1);
  const [own, setOwn] = useState<{ key: string; down: boolean } | null>(null);
  const [width, setWidth] = useState(0);
  const [row] = useState(heightOfRow);

  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry!.contentRect.width)));
    observer.observe(box.current!);
    return () => observer.disconnect();
  }, []);

  const sorter = own && columns.find((column) => column.key === own.key)?.sort;
  const rows = typeof sorter === "function" ? [...given].sort((one, other) => sorter(one, other) * (own!.down ? -1 : 1)) : given;

  const lines = useLines(box, rows.length, row, HEAD_PX);
  useEffect(() => {
    if (rows.length && lines.to > rows.length - 20) onEnd?.();
  }, [lines.to, rows.length, onEnd]);

  const fixed = columns.reduce((sum, column) => sum + column.width, 0);
  const growing = columns.filter((column) => column.grow).length;
  const extra = growing ? Math.max(0, width - fixed) / growing : 0;
  const wide = (column: Column<T>) => column.width + (column.grow ? extra : 0);

  const move = (to: number) => {
    const next = Math.max(0, Math.min(rows.length - 1, to));
    setAt(next);
    lines.show(next);
    if (rows[next] !== undefined) props.onCurrent?.(rows[next]);
  };
  const press = (event: KeyboardEvent) => {
    if (event.target !== box.current || event.metaKey || event.ctrlKey || event.altKey) return;
    const page = Math.max(1, Math.floor((box.current?.clientHeight ?? 300) / row) - 2);
    const steps: Record<string, number> = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -rows.length, End: rows.length };
    if (event.key in steps) {
      event.preventDefault();
      move(at < 0 ? 0 : at + steps[event.key]!);
      return;
    }
    const here = rows[at];
    if (here === undefined) return;
    if (onKey?.(event.key, here, event)) event.preventDefault();
    else if (event.key === "Enter") open?.(here);
  };

  const sortBy = (column: Column<T>) => {
    if (typeof column.sort === "function") setOwn((now) => (now?.key !== column.key ? { key: column.key, down: true } : now.down ? { key: column.key, down: false } : null));
    else if (column.sort) props.onSort?.(props.sort === `${column.sort} desc` ? column.sort : props.sort === column.sort ? undefined : `${column.sort} desc`);
  };
  const direction = (column: Column<T>): "ascending" | "descending" | undefined => {
    if (typeof column.sort === "function") return own?.key === column.key ? (own.down ? "descending" : "ascending") : undefined;
    return props.sort === column.sort ? (column.sort ? "ascending" : undefined) : props.sort === `${column.sort} desc` ? "descending" : undefined;
  };

  return (
    <div ref={box} className="grid" role="grid" aria-label={label} aria-rowcount={(props.total ?? rows.length) + 1} aria-colcount={columns.length} tabIndex={0} data-grid onKeyDown={press} aria-activedescendant={at >= 0 && rows[at] !== undefined ? `row-${id(rows[at])}` : undefined}>
      <div className="head" role="row" aria-rowindex={1}>
        {columns.map((column) => {
          const way = direction(column);
          return (
            <div key={column.key} role="columnheader" aria-sort={way} aria-label={column.label} className={`${column.end ? "end" : ""} ${column.pin ? "pin edge" : ""}`} style={{ width: wide(column), background: "var(--sunk)" }}>
              {column.sort ? (
                <button type="button" onClick={() => sortBy(column)} tabIndex={-1}>
                  <span className="clipt">{column.title}</span>
                  {way && <Icon name={way === "ascending" ? "up" : "down"} size={12} />}
                </button>
              ) : (
                <span className="clipt">{column.title}</span>
              )}
            </div>
          );
        })}
      </div>
      <div role="rowgroup" style={{ height: rows.length * row, position: "relative" }}>
        {rows.slice(lines.from, lines.to).map((item, after) => {
          const index = lines.from + after;
          const key = id(item);
          return (
            <Line
              key={key}
              item={item}
              name={key}
              index={index}
              top={index * row}
              columns={columns}
              widths={columns.map(wide).join()}
              state={`${index === at || props.current === key ? "current" : ""} ${selected?.has(key) ? "selected" : ""} ${rowClass?.(item) ?? ""}`}
              pick={(event) => {
                setAt(index);
                props.onCurrent?.(item);
                if (!(event.target as HTMLElement).closest("a,button,input")) open?.(item);
              }}
            />
          );
        })}
      </div>
    </div>
  );
}

interface LineProps {
  item: any;
  name: string;
  index: number;
  top: number;
  columns: Column<any>[];
  widths: string;
  state: string;
  pick: (event: React.MouseEvent) => void;
}
const Line = memo(
  function Line({ item, name, index, top, columns, widths, state, pick }: LineProps) {
    const wide = widths.split(",").map(Number);
    return (
      <div className={`line ${state}`} id={`row-${name}`} role="row" aria-rowindex={index + 2} aria-selected={state.includes("selected")} style={{ transform: `translateY(${top}px)` }} onClick={pick}>
        {columns.map((column, at) => (
          <div key={column.key} role="gridcell" className={`${column.end ? "end" : ""} ${column.pin ? "pin edge" : ""}`} style={{ width: wide[at] }}>
            {column.render(item, index)}
          </div>
        ))}
      </div>
    );
  },
  (one, other) => one.item === other.item && one.top === other.top && one.widths === other.widths && one.state === other.state && one.columns === other.columns,
);
