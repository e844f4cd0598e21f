import { useState } from "react";
import type { OperationName } from "../../data/api";
import { useAction } from "../../data/hooks";
import { Button, Failure } from "../../kit/basic";
import { Modal } from "../../kit/dialog";
import { quote } from "../../lib/snippets";

export type Decision = "request" | "approve" | "reject";
const WORDS: Record<Decision, { operation: OperationName; title: string; action: string; done: string; cli: string }> = {
  request: { operation: "model.request_approval", title: "Ask for approval of", action: "Ask", done: "Asked", cli: "request-approval" },
  approve: { operation: "model.approve", title: "Approve", action: "Approve", done: "Approved", cli: "approve" },
  reject: { operation: "model.reject", title: "Reject", action: "Reject", done: "Rejected", cli: "reject" },
};

/** A decision about a version, with its reason; both are kept in the history. */
export function Decide({ decision, name, version, close }: { decision: Decision; name: string; version: string; close: () => void }) {
  const [reason, setReason] = useState("");
  const { operation, title, action, cli } = WORDS[decision];
  const decide = useAction(operation as "model.approve", () => close(), ["audit."]);
  const needed = decision === "reject" && !reason.trim();
  return (
    <Modal
      open
      close={close}
      title={`${title} ${name}:${version}`}
      actions={<Button kind={decision === "reject" ? "danger" : "primary"} disabled={needed || decide.isPending} onClick={() => decide.mutate({ name, version, ...(reason.trim() ? { reason: reason.trim() } : {}) })}>{action}</Button>}
    >
      <label className="col" style={{ gap: 4 }}>Reason{decision === "reject" ? "" : " (optional)"}<textarea className="textarea" rows={3} autoFocus value={reason} onChange={(event) => setReason(event.target.value)} /></label>
      {needed && <p className="dim">Say why it is rejected: whoever made it will ask.</p>}
      <pre className="code">{`zaffre model ${cli} --name ${quote(name)} --version ${quote(version)}${reason.trim() ? ` --reason ${quote(reason.trim())}` : ""}`}</pre>
      {decide.error && <Failure error={decide.error} />}
    </Modal>
  );
}
