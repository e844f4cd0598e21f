// What happened, told at the edge of the page. The code for it is loaded when there is something to tell.
import { lazy, Suspense, useEffect, useSyncExternalStore } from "react";
import type { ExternalToast } from "sonner";
import { useTheme } from "../shell/state";

type Kind = "message" | "success" | "error";
interface Told {
  kind: Kind;
  text: string;
  more: ExternalToast | undefined;
}

const waiting: Told[] = [];
const watchers = new Set<() => void>();
let telling: ((told: Told) => void) | null = null;
let wanted = false;

function tell(kind: Kind, text: string, more?: ExternalToast): void {
  const told = { kind, text, more };
  if (telling) return telling(told);
  waiting.push(told);
  wanted = true;
  for (const watcher of watchers) watcher();
}

export const toast = Object.assign((text: string, more?: ExternalToast) => tell("message", text, more), {
  success: (text: string, more?: ExternalToast) => tell("success", text, more),
  error: (text: string, more?: ExternalToast) => tell("error", text, more),
});

export const loadToasts = () => import("sonner");
const Shown = lazy(async () => {
  const sonner = await loadToasts();
  const show = ({ kind, text, more }: Told) => void sonner.toast[kind](text, more);
  function Ready() {
    const [theme] = useTheme();
    // after that of the toaster, which then hears what waited
    useEffect(() => {
      telling = show;
      for (const told of waiting.splice(0)) show(told);
    }, []);
    return <sonner.Toaster position="bottom-right" theme={theme === "dark" ? "dark" : "light"} toastOptions={{ style: { font: "400 var(--t-base) var(--font)", background: "var(--panel)", color: "var(--ink)", border: "1px solid var(--line-2)" } }} />;
  }
  return { default: Ready };
});

export function Toasts() {
  const needed = useSyncExternalStore((watcher) => (watchers.add(watcher), () => void watchers.delete(watcher)), () => wanted);
  return needed ? <Suspense fallback={null}><Shown /></Suspense> : null;
}
