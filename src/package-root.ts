/** Where this package lies, with its samples, its page and its scripts of threads: above the sources, and above what is built of them. */
export const PACKAGE_ROOT = new URL('../', import.meta.url);
