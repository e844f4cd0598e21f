import { useState, type ButtonHTMLAttributes, type ReactNode } from "react";
import { toast } from "./toast";
import { ApiError } from "../data/client";
import { shown } from "../lib/keys";
import { look } from "../lib/status";
import { Icon } from "./Icon";
import { Tip } from "./Tip";

export function Status({ status, reused, label = true }: { status: string; reused?: boolean; label?: boolean }) {
  const { role, icon, label: text } = look(status, reused);
  return (
    <span className={`status ${role}`} title={label ? undefined : text}>
      <Icon name={icon} size={14} />
      {label ? text : <span className="sr">{text}</span>}
    </span>
  );
}

type ButtonProps = ButtonHTMLAttributes<HTMLButtonElement> & { icon?: string; kind?: string; tip?: string };

export function Button({ icon, kind = "", tip, children, className = "", ...rest }: ButtonProps) {
  const button = (
    <button type="button" className={`btn ${kind} ${children ? "" : "icon"} ${className}`} aria-label={children ? undefined : tip} {...rest}>
      {icon && <Icon name={icon} size={15} />}
      {children}
    </button>
  );
  return tip ? <Tip text={tip}>{button}</Tip> : button;
}

export const Keys = ({ keys }: { keys: string }) => (
  <span className="row" style={{ gap: 3 }}>
    {shown(keys).map((key, at) => (
      <kbd className="kbd" key={at}>
        {key}
      </kbd>
    ))}
  </span>
);

export const Chip = ({ children, kind = "", title }: { children: ReactNode; kind?: string; title?: string }) => (
  <span className={`chip ${kind}`} title={title}>
    <span>{children}</span>
  </span>
);

export const Tags = ({ tags, most = 40 }: { tags: Record<string, unknown> | undefined | null; most?: number }) => (
  <span className="row wrap" style={{ gap: 4 }}>
    {Object.entries(tags ?? {})
      .slice(0, most)
      .map(([key, value]) => (
        <Chip key={key} title={`${key}: ${value}`}>
          {value === "" || value === "true" ? key : `${key}: ${value}`}
        </Chip>
      ))}
  </span>
);

export async function copy(text: string, what = "Copied"): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = Object.assign(document.createElement("textarea"), { value: text });
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  toast(what);
}

export const Copy = ({ text, tip = "Copy" }: { text: string; tip?: string }) => <Button kind="ghost small" icon="copy" tip={tip} onClick={() => void copy(text)} />;

export const Snippet = ({ text }: { text: string }) => (
  <div className="snippet">
    <pre tabIndex={0}>{text}</pre>
    <Copy text={text} />
  </div>
);

export function Empty({ title, children, action, snippet }: { title: string; children?: ReactNode; action?: ReactNode; snippet?: string }) {
  return (
    <div className="empty">
      <h2>{title}</h2>
      {children && <p>{children}</p>}
      {action}
      {snippet && <Snippet text={snippet} />}
    </div>
  );
}

export function Failure({ error, retry }: { error: Error; retry?: () => void }) {
  const told = error instanceof ApiError ? error : null;
  const details = `${told?.code ?? "Error"} (${told?.status ?? "-"}): ${error.message}`;
  return (
    <div className="error" role="alert">
      <Icon name="s-fail" />
      <div className="col grow" style={{ gap: 4 }}>
        <div className="pre">{error.message}</div>
        {told?.hint && <div className="dim pre">{told.hint}</div>}
        <div className="row">
          <span className="dim mono">{told?.code}</span>
          <span className="grow" />
          {retry && <Button kind="small" onClick={retry}>Retry</Button>}
          <Button kind="small" onClick={() => void copy(details)}>Copy details</Button>
        </div>
      </div>
    </div>
  );
}

export const Skeleton = ({ lines = 6 }: { lines?: number }) => (
  <div className="col" style={{ padding: 16 }} role="group" aria-busy="true" aria-label="Loading">
    {Array.from({ length: lines }, (_, at) => (
      <div key={at} className="skel" style={{ height: 16, width: `${92 - ((at * 17) % 45)}%` }} />
    ))}
  </div>
);

/** The three states of an answer; what is there stays while it is asked again. */
export function Answer<T>({ of, children, lines }: { of: { data: T | undefined; error: Error | null; isFetching: boolean; refetch: () => unknown }; children: (data: T) => ReactNode; lines?: number }) {
  if (of.data !== undefined) {
    return (
      <>
        {of.error && <Failure error={of.error} retry={() => void of.refetch()} />}
        {children(of.data)}
      </>
    );
  }
  if (of.error) return <div style={{ padding: 16 }}><Failure error={of.error} retry={() => void of.refetch()} /></div>;
  return <Skeleton lines={lines} />;
}

export function Segments<T extends string>({ value, options, onChange, label }: { value: T; options: readonly (readonly [T, string, string?])[]; onChange: (value: T) => void; label: string }) {
  return (
    <div className="seg" role="group" aria-label={label}>
      {options.map(([key, text, icon]) => (
        <button type="button" key={key} aria-pressed={value === key} onClick={() => onChange(key)}>
          {icon && <Icon name={icon} size={14} />}
          {text}
        </button>
      ))}
    </div>
  );
}

export const Card = ({ title, actions, children, flush }: { title?: ReactNode; actions?: ReactNode; children: ReactNode; flush?: boolean }) => (
  <section className="card">
    {title && (
      <header>
        <h2 className="grow clip">{title}</h2>
        {actions}
      </header>
    )}
    {flush ? children : <div className="body">{children}</div>}
  </section>
);

export function KeyValues({ items }: { items: (readonly [ReactNode, ReactNode] | null | false | undefined)[] }) {
  const shown_ = items.filter((item): item is readonly [ReactNode, ReactNode] => !!item && item[1] !== null && item[1] !== undefined && item[1] !== "" && item[1] !== false);
  return (
    <dl className="kv">
      {shown_.map(([key, value], at) => (
        <div key={at} style={{ display: "contents" }}>
          <dt>{key}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** A search field that waits until the writer pauses. */
export function FilterField({ value, onChange, placeholder, mono, bad, label = "Filter" }: { value: string; onChange: (value: string) => void; placeholder: string; mono?: boolean; bad?: boolean; label?: string }) {
  const [text, setText] = useState(value);
  const [last, setLast] = useState(value);
  const [timer, setTimer] = useState<ReturnType<typeof setTimeout>>();
  if (last !== value) {
    setLast(value);
    if (value !== text) setText(value);
  }
  const write = (next: string, at_once = false) => {
    setText(next);
    clearTimeout(timer);
    if (at_once) onChange(next);
    else setTimer(setTimeout(() => onChange(next), 220));
  };
  return (
    <div className={`field ${mono ? "mono" : ""} ${bad ? "bad" : ""}`}>
      <Icon name="search" size={14} />
      <input
        data-filter
        aria-label={label}
        spellCheck={false}
        value={text}
        placeholder={placeholder}
        onChange={(event) => write(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter") write(text, true);
          if (event.key === "Escape") {
            if (text) write("", true);
            else event.currentTarget.blur();
          }
        }}
      />
      {text ? (
        <button type="button" className="hit" aria-label="Clear the filter" onClick={() => write("", true)}>
          <Icon name="close" size={13} />
        </button>
      ) : (
        <kbd className="kbd">/</kbd>
      )}
    </div>
  );
}
