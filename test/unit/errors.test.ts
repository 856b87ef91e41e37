import { describe, expect, it } from 'vitest'
import { fileError, fileErrorInWords, isDenied } from '../../src/errors'

const failed = (errno: string) => Object.assign(new Error(`${errno}: by the system`), { code: errno })

describe('a failed operation on a file', () => {
  it.each([
    ['EACCES', 'permission', 'permission denied; run as root'],
    ['EPERM', 'permission', 'operation not permitted; run as root'],
    ['EROFS', 'permission', 'the file system is read-only'],
    ['ENOSPC', 'state', 'no space left on the file system'],
    ['EDQUOT', 'state', 'the disk quota is used up'],
    ['ENOENT', 'state', 'its directory does not exist'],
    ['ENOTDIR', 'state', 'a part of the path is not a directory'],
    ['EIO', 'state', 'EIO: by the system'],
  ])('%s is of kind %s', (errno, kind, words) => {
    const error = failed(errno)
    expect(fileError(error, '/run/x', 'cannot write x')).toMatchObject({
      ...{ kind, message: `/run/x: cannot write x (${errno})`, cause: error, retryable: false },
    })
    expect(fileErrorInWords(error, '/etc/x', 'cannot write')).toMatchObject({
      ...{ kind, message: `/etc/x: cannot write: ${words}`, cause: error },
    })
    expect(isDenied(error)).toBe(kind === 'permission')
  })

  it('without an errno is told in its own words', () => {
    const error = new Error('odd')
    expect(fileError(error, '/x', 'cannot read').message).toBe('/x: cannot read (odd)')
    expect(fileErrorInWords(error, '/x', 'cannot read').message).toBe('/x: cannot read: odd')
    expect(isDenied(error)).toBe(false)
  })
})
