import { Keys } from "../kit/basic";
import { Modal } from "../kit/dialog";
import { SHORTCUTS } from "../lib/keys";

export function Sheet({ open, close }: { open: boolean; close: () => void }) {
  const scopes = [...new Set(SHORTCUTS.map((item) => item.scope))];
  return (
    <Modal open={open} close={close} title="Keyboard shortcuts" wide>
      <div style={{ columns: 2, columnGap: 32 }}>
        {scopes.map((scope) => (
          <section key={scope} style={{ breakInside: "avoid", marginBottom: 16 }}>
            <h3 className="dim" style={{ marginBottom: 6 }}>{scope}</h3>
            {SHORTCUTS.filter((item) => item.scope === scope).map((item) => (
              <div className="row" key={item.keys} style={{ height: 28 }}>
                <span className="grow">{item.title}</span>
                <Keys keys={item.keys} />
              </div>
            ))}
          </section>
        ))}
      </div>
    </Modal>
  );
}
