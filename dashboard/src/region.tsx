import type { ComponentChildren } from "preact";

interface RegionProps {
  /** What is in it, for screen readers. */
  readonly name: string;
  readonly children: ComponentChildren;
}

/** What may be wider than the page, and is then scrolled by pointer or keyboard. */
export function ScrollRegion({ name, children }: RegionProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: without it the keyboard cannot scroll
    <section class="scroll" tabIndex={0} aria-label={name}>
      {children}
    </section>
  );
}

/** Text that keeps its lines. */
export function Preformatted({ name, children }: RegionProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: without it the keyboard cannot scroll
    <section class="preformatted" tabIndex={0} aria-label={name}>
      <pre>{children}</pre>
    </section>
  );
}
