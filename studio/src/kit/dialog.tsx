import { lazy, Suspense } from "react";
import type { ModalProps } from "./floating";
import { loadFloating } from "./opener";

const ModalBody = lazy(async () => ({ default: (await loadFloating()).ModalBody }));

/** What is asked of somebody, above the page, which waits. */
export function Modal(props: ModalProps) {
  return <Suspense fallback={null}>{props.open && <ModalBody {...props} />}</Suspense>;
}
