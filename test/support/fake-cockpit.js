/**
 * Stands in for Cockpit's own cockpit.js where no Cockpit runs: programs and files are those of test/support/cockpit.ts.
 * Has only what packaging/cockpit uses, and refuses what it is not asked for there.
 */
window.cockpit = (() => {
  const listeners = new Set()
  const pathNow = () =>
    location.hash
      .replace(/^#?\/?/, '')
      .split('/')
      .filter((part) => part !== '')
      .map(decodeURIComponent)
  addEventListener('hashchange', () => {
    for (const listener of listeners) listener()
  })

  function spawn(argv, { superuser, err, environ, ...rest }) {
    if (err !== 'message' || environ.join() !== 'LC_ALL=C' || Object.keys(rest).length > 0)
      throw new Error('unexpected options of spawn')
    const controller = new AbortController()
    let onOutput = () => {}
    let closed
    const run = async () => {
      try {
        const response = await fetch('/spawn', {
          method: 'POST',
          body: JSON.stringify({ argv, superuser }),
          signal: controller.signal,
        })
        const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
        let text = ''
        for (;;) {
          const { value, done } = await reader.read()
          if (done) throw { problem: 'disconnected', message: 'disconnected', exit_status: null }
          text += value
          const lines = text.split('\n')
          text = lines.pop()
          for (const line of lines) {
            const { out, end } = JSON.parse(line)
            if (out !== undefined) onOutput(out)
            if (end?.failed === true) throw end
            if (end !== undefined) return ''
          }
        }
      } catch (failure) {
        throw closed === undefined ? failure : { problem: closed, message: closed, exit_status: null }
      }
    }
    const promise = run()
    promise.stream = (callback) => {
      onOutput = callback
      return promise
    }
    promise.close = (problem = 'terminated') => {
      closed = problem
      controller.abort()
    }
    return promise
  }

  function file(path) {
    return {
      watch(callback) {
        const source = new EventSource(`/watch?path=${encodeURIComponent(path)}`)
        source.onmessage = ({ data }) => callback(null, data)
        return { remove: () => source.close() }
      },
    }
  }

  return {
    spawn,
    file,
    location: {
      get path() {
        return pathNow()
      },
      go: (path) => {
        location.hash = `#/${path.map(encodeURIComponent).join('/')}`
      },
    },
    jump: (path) => {
      document.documentElement.dataset.jumped = path
    },
    addEventListener: (type, listener) => {
      if (type !== 'locationchanged') throw new Error(`unexpected event ${type}`)
      listeners.add(listener)
    },
    removeEventListener: (_type, listener) => listeners.delete(listener),
  }
})()
