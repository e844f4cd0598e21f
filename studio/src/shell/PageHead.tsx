import { useEffect, type ReactNode } from "react";
import { Button } from "../kit/basic";
import { Go } from "../kit/Go";
import type { Snippets } from "../lib/snippets";
import { useBelongs, usePanel, useSnippets } from "./state";

export interface Crumb {
  title: string;
  to: string;
}

export function PageHead({ title, crumbs, status, actions, snippets, busy }: { title: string; crumbs?: Crumb[]; status?: ReactNode; actions?: ReactNode; snippets?: Snippets | null; busy?: boolean }) {
  const [open, setOpen] = usePanel();
  useSnippets(snippets ?? null);
  useBelongs(crumbs?.[0]?.to);
  useEffect(() => {
    document.title = `${title} · Zaffre`;
  }, [title]);
  return (
    <>
      {busy && <div className="busybar" />}
      <header className="pagehead">
        <div className="title">
          {crumbs && (
            <nav className="crumbs" aria-label="Path">
              {crumbs.map((crumb) => (
                <span key={crumb.to} className="row" style={{ gap: 5 }}>
                  <Go to={crumb.to} className="">{crumb.title}</Go>
                  <span aria-hidden="true">/</span>
                </span>
              ))}
            </nav>
          )}
          <div className="titleline">
            <h1 title={title}>{title}</h1>
            {status}
          </div>
        </div>
        <div className="actions">
          {snippets && (
            <Button kind="ghost" icon="code" aria-pressed={open} onClick={() => setOpen(!open)}>
              Code
            </Button>
          )}
          {actions}
        </div>
      </header>
    </>
  );
}
