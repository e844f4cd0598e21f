// Every shortcut: scope, keys, command. Palette, the sheet under `?` and the hints are made from it.
export interface Shortcut {
  scope: "Everywhere" | "Go to" | "Tables" | "Charts" | "Pipeline";
  keys: string; // "mod+k", "g j", "?"
  command: string;
  title: string;
}

export const SHORTCUTS: Shortcut[] = [
  { scope: "Everywhere", keys: "mod+k", command: "palette", title: "Search and commands" },
  { scope: "Everywhere", keys: "?", command: "sheet", title: "Keyboard shortcuts" },
  { scope: "Everywhere", keys: "/", command: "filter", title: "Filter this page" },
  { scope: "Everywhere", keys: "[", command: "rail", title: "Fold the navigation" },
  { scope: "Everywhere", keys: "y", command: "code", title: "Show this page as code" },
  { scope: "Everywhere", keys: "n", command: "submit", title: "Submit a job" },
  { scope: "Go to", keys: "g h", command: "/", title: "Home" },
  { scope: "Go to", keys: "g j", command: "/jobs", title: "Jobs" },
  { scope: "Go to", keys: "g p", command: "/pipelines", title: "Pipelines" },
  { scope: "Go to", keys: "g a", command: "/data", title: "Data" },
  { scope: "Go to", keys: "g m", command: "/models", title: "Models" },
  { scope: "Go to", keys: "g v", command: "/environments", title: "Environments" },
  { scope: "Go to", keys: "g o", command: "/components", title: "Components" },
  { scope: "Go to", keys: "g e", command: "/endpoints", title: "Endpoints" },
  { scope: "Go to", keys: "g t", command: "/datastores", title: "Datastores" },
  { scope: "Go to", keys: "g c", command: "/compute", title: "Compute" },
  { scope: "Go to", keys: "g ,", command: "/settings", title: "Settings" },
  { scope: "Tables", keys: "j", command: "next", title: "Next row (also ↓)" },
  { scope: "Tables", keys: "k", command: "previous", title: "Previous row (also ↑)" },
  { scope: "Tables", keys: "Enter", command: "open", title: "Open the row" },
  { scope: "Tables", keys: "x", command: "select", title: "Select the row" },
  { scope: "Tables", keys: "Space", command: "show", title: "Show the run in charts" },
  { scope: "Tables", keys: "p", command: "pin", title: "Pin as baseline" },
  { scope: "Tables", keys: "c", command: "compare", title: "Compare what is selected" },
  { scope: "Charts", keys: "z", command: "reset", title: "Reset the zoom" },
  { scope: "Charts", keys: "v", command: "large", title: "Full screen" },
  { scope: "Pipeline", keys: "f", command: "follow", title: "Select what runs" },
  { scope: "Pipeline", keys: "e", command: "failure", title: "Next failure" },
];

/** Two commands on one key in the same place: none may be. */
export function clashes(shortcuts: Shortcut[] = SHORTCUTS): string[] {
  const everywhere = shortcuts.filter((item) => item.scope === "Everywhere" || item.scope === "Go to");
  return shortcuts
    .filter((item) => [...everywhere, ...shortcuts.filter((other) => other.scope === item.scope)].some((other) => other !== item && other.keys === item.keys))
    .map((item) => `${item.scope}: ${item.keys}`);
}

export const isMac = /Mac|iPhone|iPad/.test(typeof navigator === "undefined" ? "" : navigator.platform);
export const shown = (keys: string): string[] =>
  keys.split(/[ +]/).map((key) => (key === "mod" ? (isMac ? "⌘" : "Ctrl") : key.length === 1 ? key.toUpperCase() : key));

/** Is the user writing? Then single keys are letters. */
export function isWriting(target: EventTarget | null): boolean {
  const element = target as HTMLElement | null;
  return !!element && (element.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName));
}
