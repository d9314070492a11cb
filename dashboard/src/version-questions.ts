import type { DashboardModel, DashboardVersion } from "../../src/api/dashboard/dashboard-messages.ts";
import type { ConfigEdit } from "./model-config-edit.ts";

/** What a person is asked before it is done. */
export interface Question {
  readonly title: string;
  readonly action: string;
  readonly text: string;
  readonly dangerous?: boolean;
  readonly edit: ConfigEdit | { readonly kind: "take-away" };
}

/** Asks before it is done. */
export type Ask = (question: Question) => void;

/** Whether a version is served, or about to be. */
export function isServed({ state }: DashboardVersion): boolean {
  return state === "START" || state === "LOADING" || state === "AVAILABLE";
}

/** Of loading a version. */
export function loading(version: string): Question {
  return {
    title: `Load version ${version}?`,
    action: "Load",
    text: "The model's policy will name the versions to serve: those that are served now, and this one. Newer versions are then no longer taken up by themselves.",
    edit: { kind: "load", version },
  };
}

/** Of unloading a version. */
export function unloading({ versions }: DashboardModel, version: string): Question {
  const last = versions.filter(isServed).length === 1;
  return {
    title: `Unload version ${version}?`,
    action: "Unload",
    text: last
      ? "It is the last one: the model will answer no requests until a version is loaded. Labels of it go."
      : "The model's policy will name the versions that stay. Requests under way are answered first; labels of this version go.",
    dangerous: true,
    edit: { kind: "unload", version },
  };
}
