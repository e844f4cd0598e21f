import { lazy, Suspense } from "react";
import type { JobView } from "../../data/api";
import { Skeleton } from "../../kit/basic";

const LineageGraph = lazy(() => import("../../graph/LineageGraph"));

export default function Lineage({ job }: { job: JobView }) {
  return <Suspense fallback={<Skeleton />}><LineageGraph kind="job" name={job.name} /></Suspense>;
}
