// 16 px, one stroke, drawn for this.
const PATHS: Record<string, string> = {
  home: "M2.5 7.2 8 2.7l5.5 4.5M4 6.3v6.9h8V6.3M6.7 13.2V9.5h2.6v3.7",
  jobs: "M2.5 4h2M7 4h6.5M2.5 8h2M7 8h6.5M2.5 12h2M7 12h6.5",
  pipelines: "M6 2.5h4v3H6zM2 10.5h4v3H2zM10 10.5h4v3h-4zM8 5.5V8M4 10.5V8h8v2.5",
  data: "M8 2.5c3 0 5 .8 5 1.9S11 6.3 8 6.3 3 5.500 3 4.400 5 2.500 8 2.500zM3 4.400v7.200c0 1.100 2 1.900 5 1.900s5-.800 5-1.900V4.400M3 8c0 1.100 2 1.900 5 1.900S13 9.100 13 8",
  models: "M8 2l5.200 3v6L8 14l-5.200-3V5zM2.800 5 8 8l5.200-3M8 8v6",
  environments: "M8 2.200 14 5 8 7.800 2 5zM2 8l6 2.800L14 8M2 11l6 2.800 6-2.800",
  components: "M2.500 2.500h4.500v4.500H2.500zM9 2.500h4.500v4.500H9zM2.500 9h4.500v4.500H2.500zM11.200 9v4.500M9 11.200h4.500",
  datastores: "M2.500 4.500h4l1.300 1.500h5.700v7h-11zM2.500 4.500v-1.500h4",
  endpoints: "M8 6.300a1.700 1.700 0 1 1 0 3.400 1.700 1.700 0 0 1 0-3.400zM4.800 11.200a4.500 4.500 0 0 1 0-6.400M11.200 4.800a4.500 4.500 0 0 1 0 6.400M2.700 13.300a7.500 7.500 0 0 1 0-10.600M13.300 2.700a7.500 7.500 0 0 1 0 10.600",
  compute: "M4 4h8v8H4zM6.300 6.300h3.400v3.400H6.300zM6 4V2M10 4V2M6 14v-2M10 14v-2M4 6H2M4 10H2M14 6h-2M14 10h-2",
  settings: "M2.500 4.500h6M12 4.500h1.500M2.500 11.500h1.500M7.500 11.500h6M10.200 2.900v3.200M5.700 9.900v3.200",
  search: "M7 2.500a4.500 4.500 0 1 1 0 9 4.500 4.500 0 0 1 0-9zM10.300 10.300l3.200 3.200",
  plus: "M8 3v10M3 8h10", close: "M4 4l8 8M12 4l-8 8", check: "M3 8.500 6.500 12 13 4.500", more: "M3.500 8h.01M8 8h.01M12.500 8h.01",
  grip: "M6 4h.01M10 4h.01M6 8h.01M10 8h.01M6 12h.01M10 12h.01", down: "M4 6l4 4 4-4", right: "M6 4l4 4-4 4", left: "M10 4 6 8l4 4", up: "M4 10l4-4 4 4", code: "M5.500 4.500 2 8l3.500 3.500M10.500 4.500 14 8l-3.500 3.500",
  copy: "M5.500 5.500h7.500v8h-7.500zM3 10.500v-8h7.500", link: "M6.500 9.500l3-3M7.500 4.500l1.600-1.600a2.800 2.800 0 0 1 4 4L11.500 8.500M8.500 11.500l-1.600 1.600a2.800 2.800 0 0 1-4-4L4.500 7.500",
  stop: "M4.500 4.500h7v7h-7z", play: "M5 3l8 5-8 5z", retry: "M13 8a5 5 0 1 1-1.600-3.700M13 2.500v3h-3", archive: "M2.500 3h11v3h-11zM3.500 6v7.500h9V6M6.500 8.500h3", trash: "M3 4.500h10M6 4.500V3h4v1.500M4.500 4.500l.600 9h5.800l.600-9",
  download: "M8 2.500v8M4.800 7.500 8 10.700l3.200-3.200M3 13.500h10", upload: "M8 11V3M4.800 6 8 2.800 11.200 6M3 13.500h10", file: "M4 2h5.500L12.500 5v9H4zM9.500 2v3h3", folder: "M2 4h4.500L8 5.500h6v7.500H2z",
  eye: "M1.500 8S4 3.500 8 3.500 14.500 8 14.500 8 12 12.500 8 12.500 1.500 8 1.500 8zM8 6.200a1.800 1.800 0 1 1 0 3.600 1.800 1.800 0 0 1 0-3.600z", pin: "M6 2.500h4l-.500 4 2 2.500h-7l2-2.500zM8 9v4.500",
  columns: "M2.500 3h11v10h-11zM6.200 3v10M9.800 3v10", chart: "M2.500 13.500h11M3 10l3-3.500 2.500 2L13 3.500", table: "M2.500 3h11v10h-11zM2.500 6.300h11M2.500 9.600h11M6.200 3v10", split: "M2.500 3h11v10h-11zM7.200 3v10", group: "M2.500 3.500h11M5 7h8.500M5 10.500h8.500M2.500 14h0",
  save: "M3 2.500h8l2.500 2.500v8.500H3zM5 2.500v3.500h5V2.500M5 13.500V9.500h6v4", sort: "M5 3v10M2.500 10.500 5 13l2.500-2.500M11 13V3M8.500 5.500 11 3l2.500 2.500", large: "M9.500 2.500h4v4M6.500 13.500h-4v-4M13.500 2.500 9 7M2.500 13.500 7 9",
  sun: "M8 5.200a2.800 2.800 0 1 1 0 5.600 2.800 2.800 0 0 1 0-5.600zM8 1.500v1.500M8 13v1.500M1.500 8H3M13 8h1.500M3.400 3.400l1 1M11.600 11.600l1 1M3.400 12.600l1-1M11.600 4.400l1-1", moon: "M13 9.500A5.500 5.500 0 1 1 6.500 3 4.500 4.500 0 0 0 13 9.500z", rail: "M2.500 3h11v10h-11zM6 3v10",
  keyboard: "M1.500 4.500h13v7h-13zM4 7h.01M6.500 7h.01M9 7h.01M11.500 7h.01M5 9.500h6", info: "M8 2.200a5.800 5.800 0 1 1 0 11.600A5.800 5.800 0 0 1 8 2.200zM8 7.300v3.700M8 5h.01", tag: "M2.500 2.500h5L14 9l-5 5-6.500-6.500zM5.300 5.300h.01", external: "M6 3H3v10h10v-3M9 3h4v4M13 3 7.500 8.500", wrap: "M2.500 4h11M2.500 8h9a2 2 0 0 1 0 4H8M9.500 10.500 8 12l1.500 1.500M2.500 12h2",
  branch: "M4.500 2.500v11M4.500 9c4 0 7-1 7-4M11.500 5V4M3 2.500h3M10 3.500h3", clock: "M8 2.200a5.800 5.800 0 1 1 0 11.600A5.800 5.800 0 0 1 8 2.200zM8 5v3.300l2.200 1.300", image: "M2.500 3h11v10h-11zM2.500 11l3.500-3.500 3 3 2-2 2.500 2.500M10.500 6h.01", gauge: "M2.500 11a5.500 5.500 0 1 1 11 0M8 11l2.500-3.500", bell: "M4 11V7.500a4 4 0 0 1 8 0V11l1 1.500H3zM6.800 14h2.400",
};

export function Icon({ name, size = 16 }: { name: string; size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 16 16" fill="none" stroke="currentColor" strokeWidth={1.3} strokeLinecap="round" strokeLinejoin="round" aria-hidden="true">
      {name.startsWith("s-") ? <StatusShape name={name} /> : <path d={PATHS[name] ?? PATHS.info} strokeWidth={name === "more" ? 2 : undefined} />}
    </svg>
  );
}

function StatusShape({ name }: { name: string }) {
  const ring = <circle cx="8" cy="8" r="6" />;
  switch (name) {
    case "s-done":
      return <>{ring}<path d="M5.300 8.200 7.200 10l3.500-3.800" /></>;
    case "s-fail":
      return <>{ring}<path d="M6 6l4 4M10 6l-4 4" /></>;
    case "s-run":
      return <g className="turn"><path d="M8 2a6 6 0 0 1 6 6" strokeWidth={1.8} /><path d="M14 8a6 6 0 1 1-6-6" opacity={0.35} /></g>;
    case "s-stop":
      return <>{ring}<path d="M5.500 8h5" /></>;
    case "s-pause":
      return <>{ring}<path d="M6.700 6v4M9.300 6v4" /></>;
    case "s-bolt":
      return <>{ring}<path d="M8.600 4.500 6 8.500h2l-.500 3L10.200 7.500h-2z" /></>;
    case "s-warn":
      return <path d="M8 2.500 14 13H2zM8 6.500v3M8 11.200h.01" />;
    default:
      return <circle cx="8" cy="8" r="6" strokeDasharray="2.200 2.200" />;
  }
}
