// One WebSocket for the whole tab. A topic is resumed from the last `seq` that came; after three failures pages poll.
import { ROOT } from "./client";

export interface Frame {
  op: "evt" | "end" | "gap" | "err" | "pong";
  topic: string;
  seq?: string;
  data?: any;
  code?: string;
  message?: string;
}
type Listener = (frame: Frame) => void;
interface Topic {
  listeners: Set<Listener>;
  since: string | undefined;
  ended: boolean;
}
export interface Connection {
  state: "connecting" | "open" | "lost";
  since: number; // of the state, ms
  failures: number;
}

const HEARTBEAT_MS = 20_000;
const topics = new Map<string, Topic>();
const watchers = new Set<() => void>();
let socket: WebSocket | null = null;
let workspace: string | null = null;
let connection: Connection = { state: "connecting", since: Date.now(), failures: 0 };
let retry: ReturnType<typeof setTimeout> | undefined;
let heard = Date.now();

export const connectionNow = (): Connection => connection;
export function watchConnection(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

function become(state: Connection["state"], failures: number): void {
  connection = { state, failures, since: state === connection.state ? connection.since : Date.now() };
  for (const watcher of watchers) watcher();
}

/** Talk about this workspace from now on; of none, to whom nobody has logged in. */
export function connect(to: string | null): void {
  if (workspace === to) return;
  workspace = to;
  for (const topic of topics.values()) topic.since = undefined;
  const former = socket;
  socket = null;
  former?.close();
  clearTimeout(retry);
  if (to !== null) open();
}

function open(): void {
  clearTimeout(retry);
  const url = new URL(`api/workspaces/${encodeURIComponent(workspace ?? "default")}/live`, ROOT);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  const mine = new WebSocket(url);
  socket = mine;
  mine.onopen = () => {
    heard = Date.now();
    become("open", 0);
    for (const [name, topic] of topics) if (!topic.ended) say({ op: "sub", topic: name, since: topic.since });
  };
  mine.onmessage = (message) => {
    heard = Date.now();
    const frame = JSON.parse(String(message.data)) as Frame;
    const topic = topics.get(frame.topic);
    if (!topic) return;
    if (frame.seq && frame.op === "evt") topic.since = frame.seq;
    if (frame.op === "end") topic.ended = true;
    for (const listener of topic.listeners) listener(frame);
  };
  mine.onclose = () => {
    if (socket !== mine) return;
    const failures = connection.failures + 1;
    become("lost", failures);
    const wait = Math.min(30_000, 500 * 2 ** Math.min(failures - 1, 6)) * (0.75 + Math.random() / 2);
    retry = setTimeout(open, wait);
  };
}

function say(frame: object): void {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame));
}

setInterval(() => {
  if (connection.state !== "open") return;
  if (Date.now() - heard > 2.5 * HEARTBEAT_MS) socket?.close();
  else say({ op: "ping" });
}, HEARTBEAT_MS);
window.addEventListener("online", () => workspace !== null && connection.state === "lost" && open());
document.addEventListener("visibilitychange", () => !document.hidden && workspace !== null && connection.state === "lost" && open());

/** Returns what ends the subscription. `since` is where the caller's data stands. */
export function subscribe(name: string, listener: Listener, since?: string): () => void {
  let topic = topics.get(name);
  if (topic) {
    topic.listeners.add(listener);
  } else {
    topic = { listeners: new Set([listener]), since, ended: false };
    topics.set(name, topic);
    say({ op: "sub", topic: name, since });
  }
  const mine = topic;
  return () => {
    mine.listeners.delete(listener);
    if (mine.listeners.size || topics.get(name) !== mine) return;
    topics.delete(name);
    say({ op: "unsub", topic: name });
  };
}
