import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

interface ConfirmProps {
  readonly title: string;
  /** What the button that does it says. */
  readonly action: string;
  readonly dangerous?: boolean;
  readonly busy: boolean;
  readonly children: ComponentChildren;
  readonly confirm: () => void;
  readonly cancel: () => void;
}

/** A question that has to be answered before anything is done. Escape is a no. */
export function Confirm({ title, action, dangerous = false, busy, children, confirm, cancel }: ConfirmProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      aria-labelledby="confirm-title"
      onCancel={(event) => {
        event.preventDefault();
        cancel();
      }}
      // A second Escape closes a dialog whatever its page says.
      onClose={cancel}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          confirm();
        }}
      >
        <h2 id="confirm-title">{title}</h2>
        {children}
        <div class="row end">
          <button type="button" onClick={cancel}>
            Cancel
          </button>
          <button type="submit" class={dangerous ? "danger" : "primary"} disabled={busy}>
            {action}
          </button>
        </div>
      </form>
    </dialog>
  );
}
