import { useState } from "react";
import type { Credentials } from "../../data/api";
import { useAction } from "../../data/hooks";
import { Button, Card, Copy } from "../../kit/basic";
import { Modal } from "../../kit/dialog";
import { moment } from "../../lib/format";

/** Keys are asked for when somebody wants to see them, and forgotten with the page. */
export function Keys({ name }: { name: string }) {
  const [keys, setKeys] = useState<Credentials | null>(null);
  const [replacing, setReplacing] = useState<"primary" | "secondary" | null>(null);
  const ask = useAction("online-endpoint.credentials", setKeys);
  const regenerate = useAction("online-endpoint.regenerate-keys", (told) => {
    setKeys(told);
    setReplacing(null);
  });
  const line = (title: string, secret: string, which?: "primary" | "secondary") => (
    <div className="col" style={{ gap: 2 }} key={title}>
      <div className="row">
        <b className="grow">{title}</b>
        <Copy text={secret} tip={`Copy the ${title.toLowerCase()}`} />
        {which && <Button kind="ghost small" icon="retry" tip={`Replace the ${title.toLowerCase()}`} onClick={() => setReplacing(which)} />}
      </div>
      <span className="secret">{secret}</span>
    </div>
  );
  return (
    <Card title="Keys" actions={keys ? <Button kind="small" onClick={() => setKeys(null)}>Hide</Button> : <Button kind="small" icon="eye" onClick={() => ask.mutate({ name })}>Show</Button>}>
      {!keys && <p className="dim">Callers send a key with each request. Two are valid at a time, so that one can be replaced while the other is in use.</p>}
      {keys && (
        <div className="col" style={{ gap: 10 }}>
          {keys.primaryKey && line("Primary key", keys.primaryKey, "primary")}
          {keys.secondaryKey && line("Secondary key", keys.secondaryKey, "secondary")}
          {keys.accessToken && line("Token", keys.accessToken)}
          {keys.expiryTimeUtc && <p className="dim">It is valid until {moment(new Date(keys.expiryTimeUtc * 1000).toISOString())}.</p>}
        </div>
      )}
      <Modal
        open={replacing !== null}
        close={() => setReplacing(null)}
        title={`Replace the ${replacing} key?`}
        actions={<><Button onClick={() => setReplacing(null)}>Keep it</Button><Button kind="danger" onClick={() => regenerate.mutate({ name, key_type: replacing })}>Replace</Button></>}
      >
        <p>Callers that use it are refused from that moment on. The other key stays as it is.</p>
      </Modal>
    </Card>
  );
}
