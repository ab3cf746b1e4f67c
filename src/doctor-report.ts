/** What `doctor` finds: one line a check, and what to do about it. */
export type Verdict = 'ok' | 'warning' | 'problem' | 'skipped';

export interface Check {
  /** Stable: scripts may look for it. */
  readonly name: string;
  readonly verdict: Verdict;
  readonly message: string;
  readonly hint?: string | undefined;
  /** Of a problem: what a command that meets it ends with. */
  readonly exitCode?: number | undefined;
}

export interface DoctorReport {
  readonly version: string;
  readonly node: string;
  readonly platform: string;
  readonly checks: readonly Check[];
  readonly exitCode: number;
}
