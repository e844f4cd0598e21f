import { useLayoutEffect, useState, type RefObject } from "react";

const BESIDE = 10; // lines that are drawn above and below what is in view
const STEP = 5; // so many are scrolled past before others are drawn

/** Which of `count` lines of one height are to be drawn in a box whose head, `head` px high, stays; and how to show one. */
export function useLines(box: RefObject<HTMLElement | null>, count: number, height: number, head: number) {
  const [view, setView] = useState({ first: 0, shown: 0 });
  useLayoutEffect(() => {
    const place = box.current!;
    const look = () => {
      const first = Math.floor(place.scrollTop / height / STEP) * STEP;
      const shown = Math.ceil(place.clientHeight / height) + STEP;
      setView((now) => (now.first === first && now.shown === shown ? now : { first, shown }));
    };
    look();
    place.addEventListener("scroll", look, { passive: true });
    const observer = new ResizeObserver(look);
    observer.observe(place);
    return () => {
      place.removeEventListener("scroll", look);
      observer.disconnect();
    };
  }, [box, height]);
  return {
    from: Math.max(0, Math.min(view.first, count) - BESIDE),
    to: Math.min(count, view.first + view.shown + BESIDE),
    show: (at: number) => {
      const place = box.current!;
      const [top, low] = [at * height, (at + 1) * height + head - place.clientHeight];
      if (top < place.scrollTop) place.scrollTop = top;
      else if (low > place.scrollTop) place.scrollTop = low;
    },
  };
}
