/** Work on a list, so many at a time. */

/** Resolves with the results in the order of the list; after a failure nothing new begins, and the first failure is thrown. */
export async function inParallel<T, R>(
  list: readonly T[],
  most: number,
  work: (each: T) => Promise<R>,
): Promise<readonly R[]> {
  const results = new Array<R>(list.length);
  let next = 0;
  let failed = false;
  const go = async (): Promise<void> => {
    while (next < list.length && !failed) {
      const at = next++;
      try {
        results[at] = await work(list[at] as T);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const workers = Array.from({ length: Math.max(1, Math.min(most, list.length)) }, go);
  await Promise.allSettled(workers);
  await Promise.all(workers);
  return results;
}
