// Links and the address: what a page shows is in its address.
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useCallback } from "react";

export type Values = Record<string, string | undefined>;

/** The search part of the address, and how to change some of it. */
export function useAddress(): [Values, (changes: Values, push?: boolean) => void] {
  const values = useSearch({ strict: false }) as Values;
  const navigate = useNavigate();
  const change = useCallback(
    (changes: Values, push = false) => void navigate({ to: ".", search: ((now: Values) => ({ ...now, ...changes })) as never, replace: !push }),
    [navigate],
  );
  return [values, change];
}

export function useGo(): (path: string, search?: Values) => void {
  const navigate = useNavigate();
  return useCallback((path, search) => void navigate({ to: path as never, search: (search ?? {}) as never }), [navigate]);
}

export const useName = (): string => (useParams({ strict: false }) as { name?: string }).name ?? "";
export const jobPath = (name: string): string => `/jobs/${encodeURIComponent(name)}`;
export const assetPath = (kind: string, name: string): string => `/${kind}/${encodeURIComponent(name)}`;
