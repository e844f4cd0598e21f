// Menus, dialogs and what else floats: all that no page needs before somebody asks for it.
import { Dialog, Popover } from "radix-ui";
import { Menu } from "radix-ui/internal";
import { useRef, type FocusEvent, type ReactNode } from "react";
import { Button, Keys } from "./basic";
import { Icon } from "./Icon";
import { useReturn, type MenuItem, type Opened } from "./opener";

export interface ModalProps {
  open: boolean;
  close: () => void;
  title: string;
  children: ReactNode;
  actions?: ReactNode;
  wide?: boolean;
}

export function ModalBody({ open, close, title, children, actions, wide }: ModalProps) {
  const back = useReturn();
  return (
    <Dialog.Root open={open} onOpenChange={(now) => !now && close()}>
      <Dialog.Portal>
        <Dialog.Overlay className="veil" />
        <Dialog.Content className={`dialog ${wide ? "wide" : ""}`} aria-describedby={undefined} onCloseAutoFocus={back}>
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

export interface PopProps {
  children: ReactNode;
  width?: number;
  align?: "start" | "end";
}

export function PopBody({ anchor, close, children, width = 300, align = "end" }: PopProps & Opened) {
  return (
    <Popover.Root open onOpenChange={(now) => !now && close()}>
      <Popover.Anchor virtualRef={anchor as never} />
      <Popover.Portal>
        <Popover.Content className="pop" align={align} sideOffset={5} style={{ width }} collisionPadding={8} {...outside(anchor)}>
          {children}
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}

export function MenuBody({ anchor, byKey, close, items }: { items: (MenuItem | null)[] } & Opened) {
  const entered = useRef(!byKey);
  const enter = (event: FocusEvent) => {
    if (entered.current || event.target !== event.currentTarget) return;
    entered.current = true;
    event.currentTarget.querySelector<HTMLElement>("[role^=menuitem]:not([data-disabled])")?.focus();
  };
  return (
    <Menu.Root open onOpenChange={(now) => !now && close()} modal={false}>
      <Menu.Anchor virtualRef={anchor as never} />
      <Menu.Portal>
        <Menu.Content className="menu" onFocus={enter} align="end" sideOffset={5} collisionPadding={8} aria-label={anchor.current?.getAttribute("aria-label") ?? anchor.current?.textContent ?? undefined} {...outside(anchor)}>
          {items.map((item, at) =>
            item === null ? (
              <Menu.Separator className="sep" key={at} />
            ) : item.heading ? (
              <Menu.Label className="label" key={at}>{item.label}</Menu.Label>
            ) : item.checked !== undefined ? (
              <Menu.CheckboxItem key={at} checked={item.checked} onSelect={(event) => { event.preventDefault(); item.run?.(); }}>
                <span className="check" data-on={item.checked}>{item.checked && <Icon name="check" size={12} />}</span>
                <span className="clip">{item.label}</span>
              </Menu.CheckboxItem>
            ) : (
              <Menu.Item key={at} disabled={!!item.disabled} className={item.danger ? "danger" : ""} onSelect={() => item.run?.()} title={typeof item.disabled === "string" ? item.disabled : undefined}>
                {item.icon && <Icon name={item.icon} size={15} />}
                <span className="grow clip">{item.label}</span>
                {item.keys && <Keys keys={item.keys} />}
              </Menu.Item>
            ),
          )}
        </Menu.Content>
      </Menu.Portal>
    </Menu.Root>
  );
}

/** The button that opened it closes it too, and has the focus afterwards, unless something else took it. */
function outside(anchor: Opened["anchor"]) {
  let left = false;
  return {
    onInteractOutside: (event: Event) => {
      if (anchor.current?.contains(event.target as Node)) event.preventDefault();
      else left = true;
    },
    onCloseAutoFocus: (event: Event) => {
      event.preventDefault();
      if (!left) anchor.current?.focus({ preventScroll: true });
    },
  };
}
