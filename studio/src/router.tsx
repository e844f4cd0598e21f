import { createRootRoute, createRoute, createRouter, lazyRouteComponent, retainSearchParams } from "@tanstack/react-router";
import { ROOT } from "./data/client";
import { Lost, Shell } from "./shell/Shell";

export type Search = Record<string, string | undefined>;
const words = (search: Record<string, unknown>): Search => Object.fromEntries(Object.entries(search).filter(([, value]) => value !== undefined && value !== null).map(([key, value]) => [key, String(value)]));

const root = createRootRoute({
  component: Shell,
  notFoundComponent: Lost,
  validateSearch: words,
  search: { middlewares: [retainSearchParams(["workspace"])] },
});

const page = (path: string, load: () => Promise<any>, name = "Page") => createRoute({ getParentRoute: () => root, path, component: lazyRouteComponent(load, name) });

const models = () => import("./routes/models");
const endpoints = () => import("./routes/endpoints");
const assets = () => import("./routes/assets");
const routes = root.addChildren([
  page("/", () => import("./routes/home")),
  page("/jobs", () => import("./routes/jobs")),
  page("/jobs/$name", () => import("./routes/run")),
  page("/compare", () => import("./routes/compare")),
  page("/submit", () => import("./routes/submit")),
  page("/pipelines", () => import("./routes/pipelines")),
  page("/data", assets, "DataList"),
  page("/data/$name", assets, "DataPage"),
  page("/models", models, "ModelList"),
  page("/models/$name", models, "ModelPage"),
  page("/endpoints", endpoints, "EndpointList"),
  page("/endpoints/$name", endpoints, "EndpointPage"),
  page("/batch-endpoints/$name", endpoints, "BatchPage"),
  page("/environments", assets, "EnvironmentList"),
  page("/environments/$name", assets, "EnvironmentPage"),
  page("/components", assets, "ComponentList"),
  page("/components/$name", assets, "ComponentPage"),
  page("/datastores", () => import("./routes/manage"), "Datastores"),
  page("/compute", () => import("./routes/manage"), "Compute"),
  page("/settings", () => import("./routes/manage"), "Settings"),
]);

export const router = createRouter({
  routeTree: routes,
  basepath: ROOT.pathname,
  defaultPreload: "intent",
  defaultPendingMs: 400,
  parseSearch: (text) => Object.fromEntries(new URLSearchParams(text)),
  stringifySearch: (search) => {
    const said = new URLSearchParams();
    for (const [key, value] of Object.entries(search)) if (value !== undefined && value !== null && value !== "") said.set(key, String(value));
    const text = said.toString();
    return text ? `?${text}` : "";
  },
});
