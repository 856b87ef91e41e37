// In place of the streams that pino writes to files and workers with: the daemon gives it one of its own.
module.exports = class {
  constructor() {
    throw new Error('the daemon logs to a stream of its own')
  }
}
