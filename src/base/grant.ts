/** What a caller may be let do: run models, change which are served, read figures. */
export const GRANTS = ["inference", "admin", "metrics"] as const;

export type Grant = (typeof GRANTS)[number];
