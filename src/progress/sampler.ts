/** The first few distinct things of a kind are shown, the rest are counted: a million equal errors make one line and a number. */
export interface Sampler {
  /** True when this one should be shown; otherwise it is counted. */
  admit(key: string): boolean;
  /** How many were not shown. */
  readonly hidden: number;
}

export function createSampler(limit: number): Sampler {
  const shown = new Set<string>();
  let hidden = 0;
  return {
    get hidden() {
      return hidden;
    },
    admit(key) {
      if (shown.size >= limit || shown.has(key)) {
        hidden++;
        return false;
      }
      shown.add(key);
      return true;
    },
  };
}
