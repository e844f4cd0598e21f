import "./styles/font.css";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/page.css";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { createRoot } from "react-dom/client";
import { queries } from "./data/hooks";
import { router } from "./router";

document.documentElement.dataset.density = localStorage.getItem("zaffre.density") ?? "normal";
createRoot(document.getElementById("root")!).render(
  <QueryClientProvider client={queries}>
    <RouterProvider router={router as never} />
  </QueryClientProvider>,
);
