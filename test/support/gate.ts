/** Lets so many pieces of work run at once, the others wait in line: tests that start processes must not start them all together. */
export type Gate = <T>(work: () => Promise<T>) => Promise<T>;

export function gate(atOnce: number): Gate {
  let free = atOnce;
  const line: (() => void)[] = [];
  return async (work) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((turn) => line.push(turn));
    try {
      return await work();
    } finally {
      const next = line.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
}
