// The steps of a pipeline as they change: asked once, then patched by events, once per frame.
import { useQueryClient } from "@tanstack/react-query";
import { useRef } from "react";
import type { JobView, StatesView, StepState } from "../data/api";
import { useApi, useRefetchSoon, useTopic, useWorkspace } from "../data/hooks";
import { isLive } from "../lib/status";

export function useStates(job: JobView) {
  const workspace = useWorkspace();
  const client = useQueryClient();
  const live = isLive(job.status);
  const states = useApi("jobs.states", { name: job.name }, { staleTime: live ? 0 : 60_000 });
  const refetch = useRefetchSoon(["jobs.states", "jobs.show"], 300);
  const waiting = useRef<any[]>([]);
  useTopic(
    live && states.data ? `pipelines/${job.name}/states` : null,
    (frame) => {
      if (frame.op === "gap" || frame.op === "end") refetch();
      if (frame.op !== "evt") return;
      if (!waiting.current.length) requestAnimationFrame(flush);
      waiting.current.push(...(frame.data?.events ?? []));
    },
    states.data?.seq ?? undefined,
  );
  function flush() {
    const events = waiting.current.splice(0);
    let unknown = false;
    client.setQueriesData<StatesView>({ queryKey: ["jobs.states", { workspace, name: job.name }] }, (now) => {
      if (!now) return now;
      const by = new Map((now.items ?? []).map((item) => [item.job, item]));
      let status = now.status;
      for (const event of events) {
        const step = by.get(event.job);
        if (event.job === job.name) status = event.status;
        else if (step) by.set(event.job, patched(step, event));
        else unknown = true;
      }
      return { ...now, status, items: [...by.values()] };
    });
    if (unknown || events.some((event) => event.status === "Completed" || event.status === "Failed" || event.job === job.name)) refetch();
  }
  return states;
}

function patched(step: StepState, event: any): StepState {
  const started = !step.started_at && ["Running", "Starting"].includes(event.status) ? event.at : step.started_at;
  return { ...step, status: event.status, reason: event.reason ?? step.reason, started_at: started, reused_from: event.reused_from ?? step.reused_from, saved_s: event.saved_s ?? step.saved_s };
}
