// One way to the API: an operation of the table and its request. Paths are below the place where the page was served.
import type { OperationName, Operations } from "./api";
import { ROUTES } from "./routes";

export const ROOT = new URL(document.baseURI);

/** When the server gave its first answer, ms by its own clock, 0 before: all that pages show was asked for about then or later. */
export let began = 0;

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly hint?: string,
    readonly column?: number,
    readonly faults: { message: string; line?: number; field?: string }[] = [],
  ) {
    super(message);
  }
}

type Fields = Record<string, unknown>;
export type RequestOf<N extends OperationName> = Operations[N]["request"];
export type AnswerOf<N extends OperationName> = Operations[N]["response"];

/** The address of an operation, with what does not go into a body in it. */
export function address(name: OperationName, request: Fields): { method: string; url: URL; body: Fields } {
  const [method, path] = ROUTES[name];
  const rest: Fields = { ...request };
  const filled = path.replace(/\{(\w+)(?::\w+)?\}/g, (_, field: string) => {
    const value = rest[field] ?? (field === "workspace" ? "default" : "");
    delete rest[field];
    return encodeURIComponent(String(value));
  });
  const url = new URL(filled, ROOT);
  if (method === "GET" || method === "DELETE") {
    for (const [key, value] of Object.entries(rest)) if (value !== undefined && value !== null) url.searchParams.set(key, String(value));
    return { method, url, body: {} };
  }
  return { method, url, body: rest };
}

export async function send(name: OperationName, request: Fields, signal?: AbortSignal): Promise<Response> {
  const { method, url, body } = address(name, request);
  const init: RequestInit = { method, credentials: "same-origin" };
  if (signal) init.signal = signal;
  if (method !== "GET" && method !== "DELETE") {
    init.body = JSON.stringify(body);
    init.headers = { "content-type": "application/json" };
  }
  // The server does what carries a key once, however often it comes: an answer that was lost is asked for again.
  if (method === "POST") init.headers = { ...(init.headers as object), "idempotency-key": newKey() };
  for (let attempt = 0; ; attempt += 1) {
    let answer: Response | null = null;
    try {
      answer = await fetch(url, init);
    } catch (error) {
      if (signal?.aborted) throw error;
    }
    if (answer?.ok) {
      began ||= Date.parse(answer.headers.get("date") ?? "") || 0;
      return answer;
    }
    const problem = answer ? await failure(answer) : new ApiError(0, "Unreachable", "The server does not answer.", "zaffre status");
    const again = method === "POST" && attempt < PAUSES_MS.length && (answer === null || problem.code === "RequestUnderWay");
    if (!again) throw problem;
    await new Promise((done) => setTimeout(done, PAUSES_MS[attempt]));
  }
}

const PAUSES_MS = [200, 800, 2000];

/** Not of `crypto.randomUUID`, which browsers keep from pages that come over plain HTTP. */
function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function failure(answer: Response): Promise<ApiError> {
  try {
    const told = await answer.json();
    return new ApiError(answer.status, told.code, told.message, told.hint ?? undefined, told.column ?? undefined, told.faults ?? []);
  } catch {
    return new ApiError(answer.status, `HTTP ${answer.status}`, `The server answered with ${answer.status}.`);
  }
}

export async function call<N extends OperationName>(name: N, request: RequestOf<N> | Fields, signal?: AbortSignal): Promise<AnswerOf<N>> {
  const answer = await send(name, request as Fields, signal);
  return (await answer.json()) as AnswerOf<N>;
}

/** Upload frames of content: 32 bytes BLAKE3, 8 bytes big-endian size, bytes. */
export const fileUrl = (request: Fields): string => address("jobs.file", request).url.href;
