/**
 * Waits for an event of a device, past or coming, by the stream of the server's log.
 *
 * @param origin - as `http://host:port`
 * @param isEnough - asked at each such event; default: the first one is
 * @param headers - default: none, as where nobody has to show a token
 */
export async function untilEvent(
  origin: string,
  type: string,
  hwid: string,
  isEnough: () => Promise<boolean> = async () => true,
  headers: Readonly<Record<string, string>> = {},
): Promise<void> {
  const response = await fetch(`${origin}/api/v1/events/stream?types=${type}&hwid=${hwid}&after=0`, { headers });
  const decoder = new TextDecoder();
  let text = "";
  let seenCount = 0;
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    const count = text.split(`event: ${type}\n`).length - 1;
    if (count > seenCount && (await isEnough())) return;
    seenCount = count;
  }
  throw new Error(`the events ended without ${type} of ${hwid}`);
}
