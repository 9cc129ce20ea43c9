import type { Piscina } from "piscina";

type LoadBalancer = NonNullable<NonNullable<ConstructorParameters<typeof Piscina>[0]>["loadBalancer"]>;

/** Segments that a thread is given at a time: one is derived while the disk has the files of the other. */
export const segmentsPerThread = 2;

/**
 * Gives a thread its second segment only when there are as many threads as there may be: a thread more is worth more.
 *
 * @param threadCount - as many as there may be
 * @returns chooses among threads that have started; `null` lets the pool start another, or wait
 */
export function spreadOut(threadCount: number): LoadBalancer {
  return (_task, threads) => {
    const [leastBusy] = threads.toSorted((a, b) => a.currentUsage - b.currentUsage);
    if (leastBusy === undefined || leastBusy.currentUsage >= segmentsPerThread) return null;
    return leastBusy.currentUsage === 0 || threads.length >= threadCount ? leastBusy : null;
  };
}
