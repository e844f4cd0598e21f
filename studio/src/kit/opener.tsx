// A button that opens something floating. What floats is loaded when a hand or the focus comes near the button.
import { cloneElement, lazy, Suspense, useRef, useState, type KeyboardEvent, type ReactElement, type ReactNode } from "react";
import type { PopProps } from "./floating";

export interface MenuItem {
  label: string;
  icon?: string;
  keys?: string;
  danger?: boolean;
  disabled?: boolean | string; // or why not
  run?: () => void;
  checked?: boolean;
  heading?: boolean;
}
/** Where a floating thing belongs, and how it came: by a key, its first choice has the focus. */
export interface Opened {
  anchor: { current: HTMLElement | null };
  byKey: boolean;
  close: () => void;
}

export const loadFloating = () => import("./floating");
const MenuBody = lazy(async () => ({ default: (await loadFloating()).MenuBody }));
const PopBody = lazy(async () => ({ default: (await loadFloating()).PopBody }));

export function Menu({ trigger, items }: { trigger: ReactElement<any>; items: (MenuItem | null)[] }) {
  return <Opener trigger={trigger} kind="menu">{(opened) => <MenuBody {...opened} items={items} />}</Opener>;
}

export function Pop({ trigger, ...rest }: PopProps & { trigger: ReactElement<any> }) {
  return <Opener trigger={trigger} kind="dialog">{(opened) => <PopBody {...opened} {...rest} />}</Opener>;
}

function Opener({ trigger, kind, children }: { trigger: ReactElement<any>; kind: "menu" | "dialog"; children: (opened: Opened) => ReactNode }) {
  const anchor = useRef<HTMLElement>(null);
  const [open, setOpen] = useState<"key" | "hand" | null>(null);
  return (
    <>
      {cloneElement(trigger, {
        ref: anchor,
        "aria-haspopup": kind,
        "aria-expanded": open !== null,
        onPointerEnter: () => void loadFloating(),
        onFocus: () => void loadFloating(),
        onClick: (event: MouseEvent) => setOpen(open ? null : event.detail === 0 ? "key" : "hand"),
        onKeyDown: (event: KeyboardEvent) => {
          if (kind !== "menu" || event.key !== "ArrowDown" || open) return;
          event.preventDefault();
          setOpen("key");
        },
      })}
      <Suspense fallback={null}>{open && children({ anchor, byKey: open === "key", close: () => setOpen(null) })}</Suspense>
    </>
  );
}
