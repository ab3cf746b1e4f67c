/** The commands by name: what a first word is compared with. */
export const commandNames = [
  'run',
  'demo',
  'preview',
  'check',
  'init',
  'runs',
  'status',
  'resume',
  'retry',
  'commit',
  'discard',
  'audit',
  'receipt',
  'batches',
  'schema',
  'serve',
] as const;
