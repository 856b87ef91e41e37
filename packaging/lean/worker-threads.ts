/** What pino takes from worker_threads: the daemon starts no workers. */
export const isMainThread = true
