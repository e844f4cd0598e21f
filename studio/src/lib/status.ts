// What a status looks like: one icon and one role for each, never color alone.
export type Role = "ok" | "accent" | "bad" | "dim" | "cache" | "warn";
export interface Look {
  role: Role;
  icon: string;
  label: string;
}

const LOOKS: Record<string, Look> = {
  Completed: { role: "ok", icon: "s-done", label: "Completed" },
  Running: { role: "accent", icon: "s-run", label: "Running" },
  Preparing: { role: "accent", icon: "s-run", label: "Preparing" },
  Provisioning: { role: "accent", icon: "s-run", label: "Provisioning" },
  Starting: { role: "accent", icon: "s-run", label: "Starting" },
  Finalizing: { role: "accent", icon: "s-run", label: "Finalizing" },
  Failed: { role: "bad", icon: "s-fail", label: "Failed" },
  Queued: { role: "dim", icon: "s-wait", label: "Queued" },
  NotStarted: { role: "dim", icon: "s-wait", label: "Not started" },
  Canceled: { role: "dim", icon: "s-stop", label: "Canceled" },
  CancelRequested: { role: "dim", icon: "s-stop", label: "Canceling" },
  Paused: { role: "dim", icon: "s-pause", label: "Paused" },
  Succeeded: { role: "ok", icon: "s-done", label: "Succeeded" },
  Creating: { role: "accent", icon: "s-run", label: "Creating" },
  Updating: { role: "accent", icon: "s-run", label: "Updating" },
  Deleting: { role: "accent", icon: "s-run", label: "Deleting" },
  Stopped: { role: "dim", icon: "s-pause", label: "Stopped" },
  NotResponding: { role: "warn", icon: "s-warn", label: "Not responding" },
};
const REUSED: Look = { role: "cache", icon: "s-bolt", label: "Reused" };

export const look = (status: string, reused = false): Look =>
  reused && status === "Completed" ? REUSED : (LOOKS[status] ?? { role: "dim", icon: "s-wait", label: status });

export const ENDED = new Set(["Completed", "Failed", "Canceled"]);
export const isLive = (status: string | undefined | null): boolean => !!status && !ENDED.has(status);

/** Failed first: what a person looks for. */
export const RANK: Record<string, number> = {
  Failed: 0, Running: 1, Finalizing: 1, Starting: 1, Preparing: 1, CancelRequested: 1, Queued: 2, NotStarted: 3, Completed: 4, Canceled: 5,
};
