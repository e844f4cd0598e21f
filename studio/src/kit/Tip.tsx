// What a button does, told when a hand or the focus rests on it. It stays while one points at it, and goes with Escape.
import { cloneElement, useEffect, useId, useLayoutEffect, useRef, useState, type PointerEvent, type ReactElement, type ReactNode } from "react";
import { createPortal } from "react-dom";

const REST_MS = 350;
const LEAVE_MS = 120; // time enough to reach the words
const EDGE_PX = 8;
let shownUntil = 0; // the next one comes at once

export function Tip({ text, children }: { text: ReactNode; children: ReactElement<any> }) {
  const [by, setBy] = useState<Element | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const id = useId();
  const later = (to: Element | null, wait: number) => {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setBy(to), wait);
  };
  const away = () => {
    clearTimeout(timer.current);
    setBy(null);
  };
  useEffect(() => () => clearTimeout(timer.current), []);
  useEffect(() => {
    if (!by) return;
    const press = (event: KeyboardEvent) => event.key === "Escape" && away();
    const gone = () => away();
    window.addEventListener("keydown", press, true);
    window.addEventListener("scroll", gone, true);
    return () => {
      shownUntil = Date.now() + 300;
      window.removeEventListener("keydown", press, true);
      window.removeEventListener("scroll", gone, true);
    };
  }, [by]);
  const mine = children.props;
  const both = (name: string, act: (event: any) => void) => (event: any) => {
    mine[name]?.(event);
    act(event);
  };
  return (
    <>
      {cloneElement(children, {
        "aria-describedby": by ? id : mine["aria-describedby"],
        onPointerEnter: both("onPointerEnter", (event: PointerEvent) => event.pointerType !== "touch" && later(event.currentTarget, Date.now() < shownUntil ? 0 : REST_MS)),
        onPointerLeave: both("onPointerLeave", () => later(null, LEAVE_MS)),
        onPointerDown: both("onPointerDown", away),
        onFocus: both("onFocus", (event) => (event.currentTarget as Element).matches(":focus-visible") && later(event.currentTarget, 0)),
        onBlur: both("onBlur", away),
      })}
      {by && createPortal(<Words id={id} by={by} text={text} stay={() => clearTimeout(timer.current)} leave={() => later(null, LEAVE_MS)} />, document.body)}
    </>
  );
}

function Words({ id, by, text, stay, leave }: { id: string; by: Element; text: ReactNode; stay: () => void; leave: () => void }) {
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const target = by.getBoundingClientRect();
    const { width, height } = box.current!.getBoundingClientRect();
    const above = target.top - height - 5;
    const left = Math.max(EDGE_PX, Math.min(innerWidth - width - EDGE_PX, target.left + (target.width - width) / 2));
    Object.assign(box.current!.style, { left: `${left}px`, top: `${above < EDGE_PX ? target.bottom + 5 : above}px` });
  }, [by, text]);
  return (
    <div ref={box} id={id} role="tooltip" className="tip" onPointerEnter={stay} onPointerLeave={leave}>
      {text}
    </div>
  );
}
