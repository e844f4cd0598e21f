// What the whole shell shares beside the address: the theme, and what the page on screen offers.
import { useEffect, useSyncExternalStore } from "react";
import type { Snippets } from "../lib/snippets";

function store<T>(value: T) {
  const watchers = new Set<() => void>();
  let now = value;
  return {
    get: () => now,
    set: (next: T) => {
      now = next;
      for (const watcher of watchers) watcher();
    },
    watch: (watcher: () => void) => {
      watchers.add(watcher);
      return () => void watchers.delete(watcher);
    },
  };
}
type Store<T> = ReturnType<typeof store<T>>;
const use = <T,>(from: Store<T>): T => useSyncExternalStore(from.watch, from.get);

export interface Command {
  id: string;
  title: string;
  icon?: string;
  keys?: string;
  run: () => void;
}

const snippets = store<Snippets | null>(null);
const panel = store(false);
const commands = store<Command[]>([]);
const theme = store(document.documentElement.dataset.theme ?? "light");

export function useTheme(): [string, (to: string) => void] {
  return [
    use(theme),
    (to) => {
      const actual = to === "system" ? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light") : to;
      if (to === "system") localStorage.removeItem("zaffre.theme");
      else localStorage.setItem("zaffre.theme", to);
      document.documentElement.dataset.theme = actual;
      theme.set(actual);
    },
  ];
}
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", (event) => {
  if (localStorage.getItem("zaffre.theme")) return;
  document.documentElement.dataset.theme = event.matches ? "dark" : "light";
  theme.set(event.matches ? "dark" : "light");
});

/** What this page is as code. */
export function useSnippets(made: Snippets | null): void {
  const key = JSON.stringify(made);
  useEffect(() => {
    snippets.set(made);
    return () => snippets.set(null);
    // the text decides
  }, [key]);
}
export const usePageSnippets = () => use(snippets);
export const usePanel = (): [boolean, (open: boolean) => void] => [use(panel), panel.set];

const section = store<string | null>(null);
/** To which entry of the navigation the page on screen belongs. */
export function useBelongs(to: string | undefined): void {
  useEffect(() => {
    section.set(to ?? null);
    return () => section.set(null);
  }, [to]);
}
export const useSection = () => use(section);

/** Commands of this page, for the palette. */
export function useCommands(made: Command[]): void {
  const key = made.map((item) => item.id + item.title).join();
  useEffect(() => {
    commands.set(made);
    return () => commands.set([]);
    // the titles decide
  }, [key]);
}
export const usePageCommands = () => use(commands);

export function act(what: "code"): void {
  if (what === "code" && snippets.get()) panel.set(!panel.get());
}
