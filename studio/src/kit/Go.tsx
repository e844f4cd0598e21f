import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { Values } from "../data/nav";

/** Which link is the present one: told here, because the router would count every link with the same path. */
export const current = (on: boolean) => {
  const said = { "aria-current": on ? ("page" as const) : undefined };
  return { activeProps: said, inactiveProps: said, activeOptions: { exact: true, includeSearch: true } };
};

/** A link to a part of this page is the present one when all that it says is so, and what it leaves out is left out. */
const PART = { includeSearch: true, explicitUndefined: true };

/** A link inside of the Studio: a path from its root, and a search part. */
export function Go({ to, search, children, className = "link", title, now = false }: { to: string; search?: Values; children: ReactNode; className?: string; title?: string; now?: boolean }) {
  return (
    <Link to={to as never} search={(search ?? {}) as never} className={className} title={title} {...current(now)}>
      {children}
    </Link>
  );
}

/** Tabs whose choice is in the address. */
export function Tabs({ tabs }: { tabs: (readonly [string, string, number?] | null | false)[] }) {
  return (
    <nav className="tabs" aria-label="Parts of this page">
      {tabs.map((tab, at) =>
        !tab ? null : (
          <Link key={tab[0]} to={"." as never} search={((values: Values) => ({ workspace: values.workspace, version: values.version, tab: at === 0 ? undefined : tab[0] })) as never} activeOptions={PART}>
            {tab[1]}
            {tab[2] !== undefined && <span className="count">{tab[2]}</span>}
          </Link>
        ),
      )}
    </nav>
  );
}
