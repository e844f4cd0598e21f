// Made by tools/studio_types.py from the operation table. Do not edit.

export interface Answered {
  status: number;
  latency_ms: number;
  text: string;
  truncated?: boolean;
  deployment?: string | null;
  request_id?: string | null;
  [more: string]: unknown;
}

export interface ApprovalView {
  name: string;
  version: string;
  state: string;
  actor?: string | null;
  reason?: string | null;
  changed_at?: string | null;
  [more: string]: unknown;
}

export interface Ask {
}

export interface AskMissing {
  workspace?: string;
  hashes: string[];
}

export interface AssetList {
  items: AssetView[];
  cursor?: string | null;
  [more: string]: unknown;
}

export interface AssetRef {
  workspace?: string;
  name: string;
  version?: string | null;
  label?: string | null;
}

export interface AssetVersion {
  workspace?: string;
  name: string;
  version?: string | null;
  label?: string | null;
}

export interface AssetView {
  name: string;
  version: string;
  type?: string | null;
  description?: string | null;
  path?: string | null;
  tags?: Record<string, any>;
  properties?: Record<string, any>;
  labels?: string[];
  archived?: boolean;
  created_at?: string | null;
  creation_context?: Record<string, any>;
  job_name?: string | null;
  [more: string]: unknown;
}

export interface AuditEntry {
  at: string;
  actor: string;
  action: string;
  noun: string;
  name: string;
  version?: string | null;
  before?: Record<string, any> | null;
  after?: Record<string, any> | null;
  reason?: string | null;
  [more: string]: unknown;
}

export interface AuditList {
  items: AuditEntry[];
  cursor?: string | null;
  [more: string]: unknown;
}

export interface Bin {
  low: number;
  high: number;
  count: number;
  [more: string]: unknown;
}

export interface BuildLogView {
  name: string;
  version: string;
  state: string;
  key: string;
  text: string;
  offset: number;
  next_offset: number;
  error?: Record<string, any> | null;
  ended_at?: string | null;
  [more: string]: unknown;
}

export interface CauseView {
  cause: string;
  compared_with?: string | null;
  [more: string]: unknown;
}

export interface ChangeList {
  items: ChangeView[];
  [more: string]: unknown;
}

export interface ChangeView {
  at: string;
  verb: string;
  deployment?: string | null;
  before?: Record<string, any> | null;
  after?: Record<string, any> | null;
  reason?: string | null;
  changed_by?: string | null;
  [more: string]: unknown;
}

export interface CheckData {
  workspace?: string;
  name: string;
  version?: string | null;
  label?: string | null;
}

export interface CodeChange {
  path: string;
  change: "added" | "removed" | "changed" | "renamed";
  former_path?: string | null;
  size?: number | null;
  former_size?: number | null;
  diff?: string | null;
  note?: string | null;
  [more: string]: unknown;
}

export interface CodeDiff {
  run: string;
  known: boolean;
  same: boolean;
  commit?: string | null;
  files?: CodeChange[];
  cut?: boolean;
  [more: string]: unknown;
}

export interface Collect {
  dry_run?: boolean;
  unused_days?: number;
  keep_hours?: number;
}

export interface Collected {
  dry_run: boolean;
  objects: number;
  bytes: number;
  environments: (Record<string, any>)[];
  copies_bytes?: number;
  job_folders: number;
  [more: string]: unknown;
}

export interface ColumnProfile {
  name: string;
  type: string;
  nulls: number;
  distinct: number;
  min?: any;
  max?: any;
  mean?: number | null;
  histogram?: Bin[];
  top?: TopValue[];
  [more: string]: unknown;
}

export interface CompareRuns {
  workspace?: string;
  runs: string[];
  baseline?: string | null;
  only_differences?: boolean;
  parts?: ("params" | "metrics" | "tags" | "inputs" | "environment" | "code")[] | null;
}

export interface Compared {
  version: string;
  value?: number | null;
  job?: string | null;
  [more: string]: unknown;
}

export interface ComparedMetric {
  key: string;
  values: (number | null)[];
  deltas: (number | null)[];
  differs: boolean;
  [more: string]: unknown;
}

export interface ComparedText {
  key: string;
  values: (string | null)[];
  differs: boolean;
  [more: string]: unknown;
}

export interface ComputeJob {
  name: string;
  display_name?: string | null;
  node?: string | null;
  parent_job_name?: string | null;
  status: string;
  since?: string | null;
  instances: number;
  cpu: number;
  why?: string | null;
  [more: string]: unknown;
}

export interface ComputeUse {
  name: string;
  type: string;
  instances?: number | null;
  busy: number;
  cpu?: number | null;
  cpu_busy: number;
  running: ComputeJob[];
  waiting: ComputeJob[];
  waiting_count: number;
  [more: string]: unknown;
}

export interface ComputeUseList {
  items: ComputeUse[];
  [more: string]: unknown;
}

export interface CountRuns {
  workspace?: string;
  filter?: string | null;
  experiment_names?: string[];
  parent_job_name?: string | null;
  top_level?: boolean;
  listed?: "active" | "archived" | "all";
}

export interface CreateAsset {
  workspace?: string;
  spec: Record<string, any>;
  job_name?: string | null;
}

export interface CreateView {
  workspace?: string;
  name: string;
  page: string;
  query: string;
  shared?: boolean;
  default?: boolean;
}

export interface Credentials {
  primaryKey?: string | null;
  secondaryKey?: string | null;
  accessToken?: string | null;
  expiryTimeUtc?: number | null;
  [more: string]: unknown;
}

export interface Curve {
  run: string;
  key: string;
  points: number;
  not_finite: number;
  ratio: number;
  columns?: Record<string, (number | null)[]>;
  [more: string]: unknown;
}

export interface Curves {
  x: number[];
  unit: string;
  width: number;
  ratio: number;
  columns: string[];
  curves: Curve[];
  [more: string]: unknown;
}

export interface Damage {
  hash: string;
  problem: string;
  used_by: string[];
  [more: string]: unknown;
}

export interface DataDiff {
  name: string;
  base: string;
  other: string;
  files: FileChange[];
  bytes_added: number;
  bytes_removed: number;
  [more: string]: unknown;
}

export interface Decide {
  workspace?: string;
  name: string;
  version?: string | null;
  label?: string | null;
  reason?: string | null;
}

export interface DeleteAlias {
  workspace?: string;
  name: string;
  alias: string;
  reason?: string | null;
  force?: boolean;
}

export interface DeleteView {
  workspace?: string;
  id: string;
  version?: number | null;
}

export interface DeploymentList {
  items: DeploymentView[];
  [more: string]: unknown;
}

export interface DeploymentRef {
  workspace?: string;
  endpoint: string;
  name: string;
}

export interface DeploymentTraffic {
  deployment: string;
  requests: number;
  failed: number;
  rejected: number;
  in_flight: number;
  waiting: number;
  workers: number;
  p50_ms?: number | null;
  p95_ms?: number | null;
  p99_ms?: number | null;
  per_s: (number | null)[];
  errors_per_s: (number | null)[];
  p50: (number | null)[];
  p95: (number | null)[];
  p99: (number | null)[];
  [more: string]: unknown;
}

export interface DeploymentView {
  name: string;
  endpoint_name: string;
  provisioning_state: string;
  message?: string | null;
  revision?: number;
  created_at?: string | null;
  changed_at?: string | null;
  created_by?: string | null;
  [more: string]: unknown;
}

export interface DescribeScoring {
  workspace?: string;
  name: string;
  deployment_name?: string | null;
}

export interface DiffData {
  workspace?: string;
  name: string;
  base: string;
  other: string;
}

export interface DiffJobs {
  workspace?: string;
  name: string;
  other?: string | null;
}

export interface Difference {
  step?: string | null;
  what: "code" | "data" | "parameter" | "variable" | "package" | "machine" | "status" | "metric" | "output" | "step";
  name: string;
  before?: number | string | null;
  after?: number | string | null;
  delta?: number | null;
  files?: string[];
  [more: string]: unknown;
}

export interface DocumentView {
  spec: Record<string, any>;
  [more: string]: unknown;
}

export interface Download {
  workspace?: string;
  name: string;
  output_name?: string | null;
  all?: boolean;
}

export interface Empty {
  [more: string]: unknown;
}

export interface EndpointList {
  items: EndpointView[];
  [more: string]: unknown;
}

export interface EndpointMetrics {
  name: string;
  step_s: number;
  at: number[];
  items: DeploymentTraffic[];
  [more: string]: unknown;
}

export interface EndpointRef {
  workspace?: string;
  name: string;
}

export interface EndpointView {
  name: string;
  provisioning_state: string;
  message?: string | null;
  scoring_uri?: string | null;
  openapi_uri?: string | null;
  revision?: number;
  created_at?: string | null;
  changed_at?: string | null;
  created_by?: string | null;
  [more: string]: unknown;
}

export interface Error {
  code: string;
  message: string;
  hint?: string | null;
  field?: string | null;
  file?: string | null;
  line?: number | null;
  column?: number | null;
  faults?: (Record<string, any>)[];
}

export interface ExportModel {
  workspace?: string;
  name: string;
  version?: string | null;
  label?: string | null;
  to?: "onnx";
  to_name?: string | null;
  opset?: number | null;
  rtol?: number;
  atol?: number;
  sample?: string | null;
  environment?: string | Record<string, any> | null;
  allow_pickle?: boolean;
}

export interface FactsView {
  job: string;
  code?: string | null;
  git?: Record<string, any> | null;
  diff?: string | null;
  environment?: Record<string, any> | null;
  environment_lock?: string | null;
  machine?: Record<string, any> | null;
  parameters?: Record<string, any>;
  seeds?: Record<string, any>;
  notes?: string[];
  [more: string]: unknown;
}

export interface FileChange {
  path: string;
  change: string;
  size?: number | null;
  former_path?: string | null;
  former_size?: number | null;
  rows?: number | null;
  former_rows?: number | null;
  columns_added?: string[];
  columns_removed?: string[];
  columns_retyped?: string[];
  [more: string]: unknown;
}

export interface FileItem {
  name: string;
  is_folder: boolean;
  size?: number | null;
  [more: string]: unknown;
}

export interface FileList {
  items: FileItem[];
  total: number;
  cursor?: string | null;
  [more: string]: unknown;
}

export interface FindImages {
  workspace?: string;
  runs: string[];
  series?: string | null;
  max_results?: number;
}

export interface GraphEdge {
  source: string;
  port: string;
  target: string;
  input: string;
  [more: string]: unknown;
}

export interface GraphNode {
  name: string;
  kind: string;
  component?: string | null;
  steps?: number | null;
  [more: string]: unknown;
}

export interface GraphView {
  hash: string;
  nodes: GraphNode[];
  edges: GraphEdge[];
  [more: string]: unknown;
}

export interface History {
  steps: number[];
  timestamps: number[];
  values: number[];
  next_offset?: number | null;
  [more: string]: unknown;
}

export interface ImageSeries {
  name: string;
  images: number;
  runs: number;
  [more: string]: unknown;
}

export interface ImportModel {
  workspace?: string;
  name: string;
  path: string;
  format?: string;
  description?: string | null;
  tags?: Record<string, string>;
  environment?: string | Record<string, any> | null;
  allow_pickle?: boolean;
}

export interface ImportView {
  format: string;
  notes?: string[];
  model?: AssetView | null;
  job?: JobView | null;
  [more: string]: unknown;
}

export interface InvokeEndpoint {
  workspace?: string;
  name: string;
  deployment_name?: string | null;
  inputs?: Record<string, any>;
  input?: Record<string, any> | null;
  outputs?: Record<string, any>;
  output_path?: string | null;
  settings?: Record<string, any>;
  job_name?: string | null;
  experiment_name?: string | null;
}

export interface InvokeOnline {
  workspace?: string;
  name: string;
  body?: any;
  deployment_name?: string | null;
}

export interface JobDiff {
  job: string;
  other: string;
  ended: boolean;
  same: boolean;
  given: Difference[];
  made: Difference[];
  unknown?: string[];
  [more: string]: unknown;
}

export interface JobEvent {
  id: number;
  job: string;
  node?: string | null;
  type?: string | null;
  status: string;
  reason?: string | null;
  reused_from?: string | null;
  saved_s?: number | null;
  at: string;
  [more: string]: unknown;
}

export interface JobFiles {
  workspace?: string;
  name: string;
  area?: "artifacts" | "output" | "code";
  output_name?: string | null;
  path?: string;
  max_results?: number;
  cursor?: string | null;
}

export interface JobList {
  items: JobView[];
  cursor?: string | null;
  [more: string]: unknown;
}

export interface JobRef {
  workspace?: string;
  name: string;
}

export interface JobView {
  name: string;
  type: string;
  status: string;
  reason?: string | null;
  display_name?: string | null;
  experiment_name?: string | null;
  description?: string | null;
  tags?: Record<string, any>;
  properties?: Record<string, any>;
  parent_job_name?: string | null;
  node?: string | null;
  created_at?: string | null;
  started_at?: string | null;
  ended_at?: string | null;
  duration_s?: number | null;
  error?: Record<string, any> | null;
  reused_from?: string | null;
  saved_s?: number | null;
  attempt?: number;
  compute?: string | null;
  facts?: Record<string, any> | null;
  services?: Record<string, any>;
  creation_context?: Record<string, any>;
  archived?: boolean;
  [more: string]: unknown;
}

export interface KeyList {
  items: RunKey[];
  cursor?: string | null;
  [more: string]: unknown;
}

export interface LineageArrow {
  source: string;
  target: string;
  port: string;
  [more: string]: unknown;
}

export interface LineageEdge {
  job: string;
  job_status: string;
  direction: string;
  port: string;
  kind: string;
  ref: string;
  [more: string]: unknown;
}

export interface LineageGraph {
  root: string;
  nodes: LineageNode[];
  edges: LineageArrow[];
  [more: string]: unknown;
}

export interface LineageNode {
  id: string;
  kind: string;
  name: string;
  version?: string | null;
  title?: string | null;
  status?: string | null;
  level: number;
  more?: boolean;
  [more: string]: unknown;
}

export interface LineageView {
  made_by: LineageEdge[];
  used_by: LineageEdge[];
  [more: string]: unknown;
}

export interface ListAssets {
  workspace?: string;
  name?: string | null;
  listed?: "active" | "archived" | "all";
  tag?: string | null;
  max_results?: number;
  cursor?: string | null;
}

export interface ListAudit {
  workspace?: string;
  noun?: string | null;
  name?: string | null;
  version?: string | null;
  max_results?: number;
  cursor?: string | null;
}

export interface ListDeployments {
  workspace?: string;
  endpoint: string;
}

export interface ListFiles {
  workspace?: string;
  name: string;
  version?: string | null;
  label?: string | null;
  path?: string;
  max_results?: number;
  cursor?: string | null;
}

export interface ListInvocations {
  workspace?: string;
  name: string;
  deployment_name?: string | null;
  max_results?: number;
  cursor?: string | null;
}

export interface ListJobs {
  workspace?: string;
  parent_job_name?: string | null;
  experiment_name?: string | null;
  status?: string | null;
  tag?: string | null;
  listed?: "active" | "archived" | "all";
  max_results?: number;
  cursor?: string | null;
}

export interface ListKeys {
  workspace?: string;
  prefix?: string;
  kind?: "metrics" | "params" | "tags" | null;
  experiment_name?: string | null;
  max_results?: number;
  cursor?: string | null;
}

export interface ListMetrics {
  workspace?: string;
  name: string;
}

export interface ListViews {
  workspace?: string;
  page?: string | null;
}

export interface LogHit {
  line: number;
  offset: number;
  text: string;
  start: number;
  end: number;
  [more: string]: unknown;
}

export interface LogHits {
  hits: LogHit[];
  complete: boolean;
  [more: string]: unknown;
}

export interface LogLine {
  line: number;
  [more: string]: unknown;
}

export interface LogOffset {
  workspace?: string;
  name: string;
  offset: number;
}

export interface LogSize {
  bytes: number;
  job: string;
  [more: string]: unknown;
}

export interface Metric {
  key: string;
  value: number;
  step: number;
  timestamp: number;
  points: number;
  [more: string]: unknown;
}

export interface MetricList {
  items: Metric[];
  [more: string]: unknown;
}

export interface Missing {
  hashes: string[];
  [more: string]: unknown;
}

export interface Nothing {
}

export interface PackageModel {
  workspace?: string;
  name: string;
  version?: string | null;
  label?: string | null;
  deployment?: Record<string, any> | null;
  environment?: string | Record<string, any> | null;
}

export interface PlanView {
  steps: StepPlan[];
  will_run: number;
  reused: number;
  unknown: number;
  saved_s: number;
  [more: string]: unknown;
}

export interface PreviewTable {
  workspace?: string;
  name: string;
  area?: "artifacts" | "output" | "code";
  output_name?: string | null;
  path: string;
  max_rows?: number;
}

export interface ProfileData {
  workspace?: string;
  name: string;
  version?: string | null;
  label?: string | null;
  path?: string;
  preview_rows?: number;
}

export interface Promote {
  workspace?: string;
  name: string;
  version?: string | null;
  label?: string | null;
  alias?: string;
  metric?: string | null;
  goal?: "maximize" | "minimize" | null;
  data?: string | null;
  min_delta?: number | null;
  require_approval?: boolean | null;
  reason?: string | null;
  dry_run?: boolean;
}

export interface PromotionView {
  name: string;
  alias: string;
  moved: boolean;
  outcome: string;
  reason: string;
  metric: string;
  goal: string;
  min_delta: number;
  data?: string | null;
  challenger: Compared;
  champion?: Compared | null;
  version?: string | null;
  [more: string]: unknown;
}

export interface PutDeployment {
  workspace?: string;
  spec: Record<string, any>;
  all_traffic?: boolean;
}

export interface PutEndpoint {
  workspace?: string;
  spec: Record<string, any>;
}

export interface PutResource {
  workspace?: string;
  spec: Record<string, any>;
}

export interface PutTree {
  workspace?: string;
  entries: TreeEntry[];
}

export interface PutWorkspace {
  spec: Record<string, any>;
}

export interface QueryColumns {
  workspace?: string;
  runs: string[];
  keys: string[];
  x?: "step" | "relative" | "wall";
  range?: any[] | null;
  buckets?: number;
  smooth?: Smoothing;
  only?: ("min" | "max" | "last" | "count" | "raw_min" | "raw_max" | "raw_last")[];
  bits?: "32" | "64";
}

export interface QueryMetrics {
  workspace?: string;
  runs: string[];
  keys: string[];
  x?: "step" | "relative" | "wall";
  range?: any[] | null;
  buckets?: number;
  smooth?: Smoothing;
}

export interface ReadAssetFile {
  workspace?: string;
  name: string;
  version?: string | null;
  label?: string | null;
  path?: string;
  render?: boolean;
}

export interface ReadBuildLog {
  workspace?: string;
  name: string;
  version?: string | null;
  label?: string | null;
  offset?: number;
}

export interface ReadDeploymentLog {
  workspace?: string;
  endpoint: string;
  name: string;
  tail_lines?: number | null;
  offset?: number;
  follow?: boolean;
}

export interface ReadFile {
  workspace?: string;
  name: string;
  area?: "artifacts" | "output" | "code";
  output_name?: string | null;
  path: string;
  render?: boolean;
}

export interface ReadHistory {
  workspace?: string;
  name: string;
  key: string;
  max_results?: number;
  offset?: number;
}

export interface ReadLog {
  workspace?: string;
  name: string;
  offset?: number;
  follow?: boolean;
  tail_lines?: number | null;
}

export interface ReadMetrics {
  workspace?: string;
  name: string;
  seconds?: number;
  points?: number;
}

export interface RegenerateKeys {
  workspace?: string;
  name: string;
  key_type?: string;
}

export interface RerunJob {
  workspace?: string;
  name: string;
  exact?: boolean;
  overrides?: string[];
  changed_data?: boolean;
}

export interface ResourceList {
  items: ResourceView[];
  [more: string]: unknown;
}

export interface ResourceRef {
  workspace?: string;
  name: string;
}

export interface ResourceView {
  name: string;
  type: string;
  [more: string]: unknown;
}

export interface ResumeJob {
  workspace?: string;
  name: string;
}

export interface RunComparison {
  baseline: string;
  runs: RunRow[];
  params?: ComparedText[] | null;
  metrics?: ComparedMetric[] | null;
  tags?: ComparedText[] | null;
  inputs?: ComparedText[] | null;
  environment?: ComparedText[] | null;
  code?: CodeDiff[] | null;
  [more: string]: unknown;
}

export interface RunCount {
  count: number;
  [more: string]: unknown;
}

export interface RunImage {
  run: string;
  step?: number | null;
  path: string;
  size?: number | null;
  [more: string]: unknown;
}

export interface RunImages {
  series: ImageSeries[];
  items: RunImage[];
  complete: boolean;
  [more: string]: unknown;
}

export interface RunKey {
  kind: "metrics" | "params" | "tags";
  key: string;
  runs: number;
  min?: number | null;
  max?: number | null;
  [more: string]: unknown;
}

export interface RunList {
  items: RunRow[];
  cursor?: string | null;
  [more: string]: unknown;
}

export interface RunRow {
  name: string;
  display_name?: string | null;
  type?: string | null;
  status?: string | null;
  experiment_name?: string | null;
  created_at?: string | null;
  started_at?: string | null;
  ended_at?: string | null;
  duration_s?: number | null;
  parent_job_name?: string | null;
  node?: string | null;
  created_by?: string | null;
  compute?: string | null;
  reused_from?: string | null;
  archived?: boolean | null;
  metrics?: Record<string, number> | null;
  params?: Record<string, string> | null;
  tags?: Record<string, string> | null;
}

export interface SavedView {
  id: string;
  name: string;
  page: string;
  query: string;
  shared: boolean;
  default: boolean;
  owner: string;
  version: number;
  created_at: string;
  changed_at: string;
  [more: string]: unknown;
}

export interface ScoringSchema {
  input?: Record<string, any>;
  output?: Record<string, any>;
  [more: string]: unknown;
}

export interface Scrub {
  after?: number;
}

export interface Scrubbed {
  id: number;
  over: boolean;
  objects: number;
  of_objects: number;
  bytes: number;
  of_bytes: number;
  damaged: Damage[];
  [more: string]: unknown;
}

export interface SearchLog {
  workspace?: string;
  name: string;
  text: string;
  regex?: boolean;
  max_results?: number;
}

export interface SearchRuns {
  workspace?: string;
  filter?: string | null;
  experiment_names?: string[];
  parent_job_name?: string | null;
  top_level?: boolean;
  listed?: "active" | "archived" | "all";
  order_by?: string[];
  fields?: string[] | null;
  max_results?: number;
  cursor?: string | null;
}

export interface SetAlias {
  workspace?: string;
  name: string;
  alias: string;
  version: string;
  reason?: string | null;
  force?: boolean;
}

export interface Smoothing {
  kind?: "none" | "ema" | "mean" | "gaussian";
  amount?: number;
}

export interface SourceCheck {
  name: string;
  version: string;
  changed: boolean;
  detail: string;
  [more: string]: unknown;
}

export interface StatesView {
  status: string;
  seq?: string | null;
  items?: StepState[];
  [more: string]: unknown;
}

export interface Status {
  version: string;
  url: string;
  home: string;
  database: string;
  pid: number;
  started_at: string;
  living_jobs: number;
  [more: string]: unknown;
}

export interface StepPlan {
  step: string;
  runs?: boolean | null;
  cause: string;
  reused_from?: string | null;
  saved_s?: number | null;
  [more: string]: unknown;
}

export interface StepState {
  node: string;
  job: string;
  type: string;
  status: string;
  reason?: string | null;
  created_at?: string | null;
  started_at?: string | null;
  ended_at?: string | null;
  reused_from?: string | null;
  saved_s?: number | null;
  attempt?: number;
  error?: Record<string, any> | null;
  [more: string]: unknown;
}

export interface SubmitJob {
  workspace?: string;
  spec: Record<string, any>;
  facts?: Record<string, any>;
  experiment_name?: string | null;
  verify?: number | null;
}

export interface TableColumn {
  name: string;
  type: string;
  [more: string]: unknown;
}

export interface TablePreview {
  rows?: number | null;
  columns: TableColumn[];
  preview: any[][];
  [more: string]: unknown;
}

export interface TableProfile {
  path: string;
  rows?: number | null;
  profiled: number;
  columns: ColumnProfile[];
  preview: any[][];
  [more: string]: unknown;
}

export interface TopValue {
  value: string;
  count: number;
  [more: string]: unknown;
}

export interface TraceLineage {
  workspace?: string;
  kind: "job" | "data" | "model" | "environment" | "component";
  name: string;
  version?: string | null;
  direction?: "up" | "down" | "both";
  depth?: number;
}

export interface Tree {
  root: string;
  files: number;
  size: number;
  [more: string]: unknown;
}

export interface TreeEntry {
  path: string;
  size: number;
  hash: string;
  executable?: boolean;
  [more: string]: unknown;
}

export interface UpdateAsset {
  workspace?: string;
  name: string;
  version?: string | null;
  label?: string | null;
  description?: string | null;
  tags?: Record<string, string | null> | null;
  properties?: Record<string, string | null> | null;
  labels?: string[] | null;
}

export interface UpdateDeployment {
  workspace?: string;
  endpoint: string;
  name: string;
  changes: Record<string, any>;
}

export interface UpdateEndpoint {
  workspace?: string;
  name: string;
  changes: Record<string, any>;
}

export interface UpdateJob {
  workspace?: string;
  name: string;
  display_name?: string | null;
  description?: string | null;
  experiment_name?: string | null;
  tags?: Record<string, string | null> | null;
}

export interface UpdateResource {
  workspace?: string;
  name: string;
  changes: Record<string, any>;
}

export interface UpdateView {
  workspace?: string;
  id: string;
  version: number;
  name?: string | null;
  query?: string | null;
  shared?: boolean | null;
  default?: boolean | null;
}

export interface Upload {
  workspace?: string;
}

export interface Uploaded {
  objects: number;
  [more: string]: unknown;
}

export interface View {
  [more: string]: unknown;
}

export interface ViewList {
  items: SavedView[];
  [more: string]: unknown;
}

export interface ViewRef {
  workspace?: string;
  id: string;
}

export interface WatchJob {
  workspace?: string;
  name: string;
  after?: number;
  below?: boolean;
}

export interface WorkspaceList {
  items: WorkspaceView[];
  [more: string]: unknown;
}

export interface WorkspaceRef {
  workspace?: string;
}

export interface WorkspaceRequest {
  workspace?: string;
}

export interface WorkspaceView {
  name: string;
  mlflow_tracking_uri?: string | null;
  created_at?: string | null;
  [more: string]: unknown;
}

export interface Operations {
  "audit.list": { request: ListAudit; response: AuditList };
  "batch-deployment.create": { request: PutDeployment; response: DeploymentView };
  "batch-deployment.delete": { request: DeploymentRef; response: Empty };
  "batch-deployment.list": { request: ListDeployments; response: DeploymentList };
  "batch-deployment.show": { request: DeploymentRef; response: DeploymentView };
  "batch-deployment.update": { request: UpdateDeployment; response: DeploymentView };
  "batch-endpoint.create": { request: PutEndpoint; response: EndpointView };
  "batch-endpoint.delete": { request: EndpointRef; response: Empty };
  "batch-endpoint.invoke": { request: InvokeEndpoint; response: JobView };
  "batch-endpoint.jobs": { request: ListInvocations; response: JobList };
  "batch-endpoint.list": { request: WorkspaceRequest; response: EndpointList };
  "batch-endpoint.show": { request: EndpointRef; response: EndpointView };
  "batch-endpoint.update": { request: UpdateEndpoint; response: EndpointView };
  "component.archive": { request: AssetVersion; response: Empty };
  "component.create": { request: CreateAsset; response: AssetView };
  "component.delete": { request: AssetVersion; response: Empty };
  "component.lineage": { request: AssetRef; response: LineageView };
  "component.list": { request: ListAssets; response: AssetList };
  "component.restore": { request: AssetVersion; response: Empty };
  "component.show": { request: AssetRef; response: AssetView };
  "component.update": { request: UpdateAsset; response: AssetView };
  "compute.create": { request: PutResource; response: ResourceView };
  "compute.delete": { request: ResourceRef; response: Empty };
  "compute.list": { request: WorkspaceRequest; response: ResourceList };
  "compute.show": { request: ResourceRef; response: ResourceView };
  "compute.update": { request: UpdateResource; response: ResourceView };
  "compute.use": { request: WorkspaceRequest; response: ComputeUseList };
  "content.missing": { request: AskMissing; response: Missing };
  "content.tree": { request: PutTree; response: Tree };
  "content.upload": { request: Upload; response: Uploaded };
  "data.archive": { request: AssetVersion; response: Empty };
  "data.check": { request: CheckData; response: SourceCheck };
  "data.create": { request: CreateAsset; response: AssetView };
  "data.delete": { request: AssetVersion; response: Empty };
  "data.diff": { request: DiffData; response: DataDiff };
  "data.download": { request: AssetRef; response: Response };
  "data.file": { request: ReadAssetFile; response: Response };
  "data.files": { request: ListFiles; response: FileList };
  "data.lineage": { request: AssetRef; response: LineageView };
  "data.list": { request: ListAssets; response: AssetList };
  "data.profile": { request: ProfileData; response: TableProfile };
  "data.restore": { request: AssetVersion; response: Empty };
  "data.show": { request: AssetRef; response: AssetView };
  "data.update": { request: UpdateAsset; response: AssetView };
  "datastore.create": { request: PutResource; response: ResourceView };
  "datastore.delete": { request: ResourceRef; response: Empty };
  "datastore.list": { request: WorkspaceRequest; response: ResourceList };
  "datastore.show": { request: ResourceRef; response: ResourceView };
  "datastore.update": { request: UpdateResource; response: ResourceView };
  "environment.archive": { request: AssetVersion; response: Empty };
  "environment.build_log": { request: ReadBuildLog; response: BuildLogView };
  "environment.create": { request: CreateAsset; response: AssetView };
  "environment.delete": { request: AssetVersion; response: Empty };
  "environment.lineage": { request: AssetRef; response: LineageView };
  "environment.list": { request: ListAssets; response: AssetList };
  "environment.restore": { request: AssetVersion; response: Empty };
  "environment.show": { request: AssetRef; response: AssetView };
  "environment.update": { request: UpdateAsset; response: AssetView };
  "jobs.archive": { request: JobRef; response: JobView };
  "jobs.cancel": { request: JobRef; response: JobView };
  "jobs.cause": { request: JobRef; response: CauseView };
  "jobs.create": { request: SubmitJob; response: JobView };
  "jobs.diff": { request: DiffJobs; response: JobDiff };
  "jobs.document": { request: JobRef; response: DocumentView };
  "jobs.download": { request: Download; response: Response };
  "jobs.facts": { request: JobRef; response: FactsView };
  "jobs.file": { request: ReadFile; response: Response };
  "jobs.files": { request: JobFiles; response: FileList };
  "jobs.graph": { request: JobRef; response: GraphView };
  "jobs.list": { request: ListJobs; response: JobList };
  "jobs.log": { request: ReadLog; response: Response };
  "jobs.log_line": { request: LogOffset; response: LogLine };
  "jobs.log_search": { request: SearchLog; response: LogHits };
  "jobs.log_size": { request: JobRef; response: LogSize };
  "jobs.plan": { request: SubmitJob; response: PlanView };
  "jobs.rerun": { request: RerunJob; response: JobView };
  "jobs.restore": { request: JobRef; response: JobView };
  "jobs.resume": { request: ResumeJob; response: JobView };
  "jobs.show": { request: JobRef; response: JobView };
  "jobs.states": { request: JobRef; response: StatesView };
  "jobs.table": { request: PreviewTable; response: TablePreview };
  "jobs.update": { request: UpdateJob; response: JobView };
  "jobs.watch": { request: WatchJob; response: Response };
  "lineage.graph": { request: TraceLineage; response: LineageGraph };
  "metrics.columns": { request: QueryColumns; response: Response };
  "metrics.history": { request: ReadHistory; response: History };
  "metrics.list": { request: ListMetrics; response: MetricList };
  "metrics.query": { request: QueryMetrics; response: Curves };
  "model.approve": { request: Decide; response: ApprovalView };
  "model.archive": { request: AssetVersion; response: Empty };
  "model.create": { request: CreateAsset; response: AssetView };
  "model.delete": { request: AssetVersion; response: Empty };
  "model.delete_alias": { request: DeleteAlias; response: Empty };
  "model.download": { request: AssetRef; response: Response };
  "model.export": { request: ExportModel; response: JobView };
  "model.file": { request: ReadAssetFile; response: Response };
  "model.files": { request: ListFiles; response: FileList };
  "model.import": { request: ImportModel; response: ImportView };
  "model.lineage": { request: AssetRef; response: LineageView };
  "model.list": { request: ListAssets; response: AssetList };
  "model.package": { request: PackageModel; response: Response };
  "model.promote": { request: Promote; response: PromotionView };
  "model.reject": { request: Decide; response: ApprovalView };
  "model.request_approval": { request: Decide; response: ApprovalView };
  "model.restore": { request: AssetVersion; response: Empty };
  "model.set_alias": { request: SetAlias; response: AssetView };
  "model.show": { request: AssetRef; response: AssetView };
  "model.update": { request: UpdateAsset; response: AssetView };
  "online-deployment.create": { request: PutDeployment; response: DeploymentView };
  "online-deployment.delete": { request: DeploymentRef; response: Empty };
  "online-deployment.list": { request: ListDeployments; response: DeploymentList };
  "online-deployment.log": { request: ReadDeploymentLog; response: Response };
  "online-deployment.show": { request: DeploymentRef; response: DeploymentView };
  "online-deployment.update": { request: UpdateDeployment; response: DeploymentView };
  "online-endpoint.create": { request: PutEndpoint; response: EndpointView };
  "online-endpoint.credentials": { request: EndpointRef; response: Credentials };
  "online-endpoint.delete": { request: EndpointRef; response: Empty };
  "online-endpoint.history": { request: EndpointRef; response: ChangeList };
  "online-endpoint.invoke": { request: InvokeOnline; response: Answered };
  "online-endpoint.list": { request: WorkspaceRequest; response: EndpointList };
  "online-endpoint.metrics": { request: ReadMetrics; response: EndpointMetrics };
  "online-endpoint.regenerate-keys": { request: RegenerateKeys; response: Credentials };
  "online-endpoint.rollback": { request: EndpointRef; response: EndpointView };
  "online-endpoint.schema": { request: DescribeScoring; response: ScoringSchema };
  "online-endpoint.show": { request: EndpointRef; response: EndpointView };
  "online-endpoint.start": { request: EndpointRef; response: EndpointView };
  "online-endpoint.stop": { request: EndpointRef; response: EndpointView };
  "online-endpoint.update": { request: UpdateEndpoint; response: EndpointView };
  "runs.compare": { request: CompareRuns; response: RunComparison };
  "runs.count": { request: CountRuns; response: RunCount };
  "runs.images": { request: FindImages; response: RunImages };
  "runs.keys": { request: ListKeys; response: KeyList };
  "runs.search": { request: SearchRuns; response: RunList };
  "server.health": { request: Ask; response: Empty };
  "server.status": { request: Ask; response: Status };
  "server.stop": { request: Ask; response: Empty };
  "storage.gc": { request: Collect; response: Collected };
  "storage.scrub": { request: Scrub; response: Response };
  "views.create": { request: CreateView; response: SavedView };
  "views.delete": { request: DeleteView; response: Empty };
  "views.list": { request: ListViews; response: ViewList };
  "views.show": { request: ViewRef; response: SavedView };
  "views.update": { request: UpdateView; response: SavedView };
  "workspace.create": { request: PutWorkspace; response: WorkspaceView };
  "workspace.delete": { request: WorkspaceRef; response: Empty };
  "workspace.list": { request: Nothing; response: WorkspaceList };
  "workspace.show": { request: WorkspaceRef; response: WorkspaceView };
}

export type OperationName = keyof Operations;
