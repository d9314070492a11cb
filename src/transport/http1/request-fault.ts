/** Statuses with which the transport itself, or its gate, refuses a request. */
export type FaultStatus = 400 | 401 | 403 | 408 | 413 | 414 | 415 | 417 | 429 | 431 | 500 | 501 | 503 | 505;

/** Why a request cannot be served as it was sent. Stays inside the transport: it becomes an answer, after which the connection closes. */
export class RequestFault extends Error {
  override readonly name = "RequestFault";
  readonly status: FaultStatus;

  constructor(status: FaultStatus, message: string) {
    super(message);
    this.status = status;
  }
}

/** Refuses what is not well formed. */
export function malformed(message: string): never {
  throw new RequestFault(400, message);
}
