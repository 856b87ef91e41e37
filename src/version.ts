declare const VQTUNE_VERSION: string | undefined

/** The release, put in by the bundler from package.json; 'source' when run unbundled. */
export const VERSION = typeof VQTUNE_VERSION === 'string' ? VQTUNE_VERSION : 'source'
