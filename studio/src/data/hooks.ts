import { keepPreviousData, QueryClient, useMutation, useQuery, useQueryClient, type UseQueryOptions } from "@tanstack/react-query";
import { useSearch } from "@tanstack/react-router";
import { useEffect, useRef, useSyncExternalStore } from "react";
import { toast } from "../kit/toast";
import type { OperationName } from "./api";
import { ApiError, call, type AnswerOf } from "./client";
import { connectionNow, subscribe, watchConnection, type Connection, type Frame } from "./socket";

/** Live pages look again when they are told to (`changes.ts`); so often they look in case nobody told them. */
export const NET_MS = 20_000;

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      gcTime: 300_000,
      retry: (count, error) => !(error instanceof ApiError && error.status >= 400 && error.status < 500) && count < 2,
      refetchOnWindowFocus: true,
    },
  },
});

export function useWorkspace(): string {
  const search = useSearch({ strict: false }) as { workspace?: string };
  return search.workspace || "default";
}

type Options = Partial<Omit<UseQueryOptions<any, Error, any>, "queryKey" | "queryFn">>;

/** Ask one operation; the former answer stays until the next one is there. */
export function useApi<N extends OperationName>(name: N, request: Record<string, unknown> = {}, options: Options = {}) {
  const workspace = useWorkspace();
  const asked = { workspace, ...request };
  return useQuery<AnswerOf<N>, Error>({
    queryKey: [name, asked],
    queryFn: ({ signal }) => call(name, NO_WORKSPACE.has(name) ? request : asked, signal),
    placeholderData: keepPreviousData,
    ...options,
  });
}
const NO_WORKSPACE = new Set<string>(["server.status", "workspace.list", "storage.gc", "storage.scrub"]);

/** Do one operation; what it may have changed is asked again. A failure is told where the user looks. */
export function useAction<N extends OperationName>(name: N, done?: string | ((answer: AnswerOf<N>) => void), affects: string[] = []) {
  const workspace = useWorkspace();
  const client = useQueryClient();
  return useMutation<AnswerOf<N>, Error, Record<string, unknown>>({
    mutationFn: (request) => call(name, NO_WORKSPACE.has(name) ? request : { workspace, ...request }),
    onSuccess: (answer) => {
      if (typeof done === "string") toast.success(done);
      else done?.(answer);
      void client.invalidateQueries({ predicate: (query) => touches(String(query.queryKey[0]), name, affects) });
    },
    onError: (error) => {
      toast.error(error.message, { description: error instanceof ApiError ? error.hint : undefined });
    },
  });
}

function touches(query: string, action: string, affects: string[]): boolean {
  const noun = action.split(".")[0]!;
  return query.startsWith(`${noun}.`) || (noun === "jobs" && query.startsWith("runs.")) || affects.some((item) => query.startsWith(item));
}

/** Follow a topic while the component is there. */
export function useTopic(topic: string | null, listener: (frame: Frame) => void, since?: string): void {
  const latest = useRef(listener);
  latest.current = listener;
  useEffect(() => {
    if (!topic) return;
    return subscribe(topic, (frame) => latest.current(frame), since);
    // `since` counts at the beginning only
  }, [topic]);
}

export function useConnection(): Connection {
  return useSyncExternalStore(watchConnection, connectionNow);
}

/** What was asked wrongly is refused again, whatever changed: asking would only make the page flicker. */
export const isRefused = (query: { state: { error: unknown } }): boolean => query.state.error instanceof ApiError && query.state.error.status === 400;

/** Ask again soon, once, however many events come. */
export function useRefetchSoon(names: string[], wait = 250): () => void {
  const client = useQueryClient();
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const wanted = useRef(names);
  wanted.current = names;
  useEffect(() => () => clearTimeout(timer.current), []);
  return () => {
    if (timer.current) return;
    timer.current = setTimeout(() => {
      timer.current = undefined;
      void client.invalidateQueries({ predicate: (query) => !isRefused(query) && wanted.current.some((name) => String(query.queryKey[0]).startsWith(name)) });
    }, wait);
  };
}
