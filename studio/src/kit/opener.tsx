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

let last: HTMLElement | null = null; // the button whose menu was open last

/** Where the focus was when a dialog came: for its `onCloseAutoFocus`. A choice of a menu is gone by then, its button is not. */
export function useReturn(): (event: Event) => void {
  const [before] = useState(() => document.activeElement as HTMLElement | null);
  const opener = useRef(last);
  return (event) => {
    event.preventDefault();
    const place = [before, opener.current].find((one) => one?.isConnected && one !== document.body) ?? document.getElementById("main");
    place?.focus({ preventScroll: true });
  };
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
        onClick: (event: MouseEvent) => {
          last = anchor.current;
          setOpen(open ? null : event.detail === 0 ? "key" : "hand");
        },
        onKeyDown: (event: KeyboardEvent) => {
          if (kind !== "menu" || event.key !== "ArrowDown" || open) return;
          event.preventDefault();
          last = anchor.current;
          setOpen("key");
        },
      })}
      <Suspense fallback={null}>{open && children({ anchor, byKey: open === "key", close: () => setOpen(null) })}</Suspense>
    </>
  );
}
