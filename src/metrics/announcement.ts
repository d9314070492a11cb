/** Tells the control thread of another buffer in which a shard keeps its cells. */
export interface BufferAnnouncement {
  readonly kind: "buffer";
  /** Counted from 0 within the shard. */
  readonly index: number;
  /** float64 cells in the machine's byte order. */
  readonly buffer: SharedArrayBuffer;
}

/** Tells the control thread where a new cell lies. Comes after its buffer's announcement. */
export interface CellAnnouncement {
  readonly kind: "cell";
  /** The definition's name. */
  readonly metric: string;
  readonly labelValues: readonly string[];
  /** Index of the buffer. */
  readonly buffer: number;
  /** Index of the first of the cell's numbers, in float64 units. */
  readonly offset: number;
}

/** What a shard posts to the control thread, in the order of its making. Plain data. */
export type Announcement = BufferAnnouncement | CellAnnouncement;
