/** Status and body of a REST answer. */
export interface RestAnswer {
  readonly status: number;
  readonly contentType: string | null;
  readonly text: string;
}

/** Sends one request. */
export async function rest(url: string, body?: string | Uint8Array, init: RequestInit = {}): Promise<RestAnswer> {
  const response = await fetch(url, {
    method: body === undefined ? "GET" : "POST",
    ...(body !== undefined && { body: body as string }),
    ...init,
  });
  return { status: response.status, contentType: response.headers.get("content-type"), text: await response.text() };
}

/** The message of an error body. */
export function errorText(answer: RestAnswer): string {
  return (JSON.parse(answer.text) as { error: string }).error;
}
