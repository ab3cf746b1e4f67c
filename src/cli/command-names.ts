/** The commands by name: what a first word is compared with. */
export const commandNames = ['run', 'demo', 'preview', 'check', 'batches', 'schema', 'serve'] as const;
