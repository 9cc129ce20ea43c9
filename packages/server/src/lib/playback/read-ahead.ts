/**
 * Starts the work for items before its result is asked for, and gives the results in order.
 *
 * @param depth - works on the way at a time, 1 or more
 */
export async function* readAhead<Item, Result>(
  items: AsyncIterable<Item>,
  depth: number,
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  const running: Promise<Result>[] = [];
  for await (const item of items) {
    const result = work(item);
    // Told when its turn comes, if the reader is still there by then.
    result.catch(() => {});
    running.push(result);
    const first = running.length >= depth ? running.shift() : undefined;
    if (first !== undefined) yield await first;
  }
  for (const result of running) yield await result;
}
