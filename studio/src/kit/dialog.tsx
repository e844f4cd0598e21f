import { Dialog, Popover } from "radix-ui";
import type { ReactNode } from "react";
import { Button } from "./basic";

export function Modal({ open, close, title, children, actions, wide }: { open: boolean; close: () => void; title: string; children: ReactNode; actions?: ReactNode; wide?: boolean }) {
  return (
    <Dialog.Root open={open} onOpenChange={(now) => !now && close()}>
      <Dialog.Portal>
        <Dialog.Overlay className="veil" />
        <Dialog.Content className={`dialog ${wide ? "wide" : ""}`} aria-describedby={undefined}>
          <header>
            <Dialog.Title asChild>
              <h2 className="grow">{title}</h2>
            </Dialog.Title>
            <Button kind="ghost small" icon="close" tip="Close" onClick={close} />
          </header>
          <div className="body">{children}</div>
          {actions && <footer>{actions}</footer>}
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

export function Pop({ trigger, children, width = 300, align = "end" }: { trigger: ReactNode; children: ReactNode; width?: number; align?: "start" | "end" }) {
  return (
    <Popover.Root>
      <Popover.Trigger asChild>{trigger}</Popover.Trigger>
      <Popover.Portal>
        <Popover.Content className="pop" align={align} sideOffset={5} style={{ width }} collisionPadding={8}>
          {children}
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}
