/**
 * Writes by other programs to kernel settings that send no uevent: IRQ affinity and XPS. inotify sees them, because
 * it hooks write(2), not the setting; what the kernel changes itself it does not see. No child process.
 */
import { closeSync, type FSWatcher, fstatSync, openSync, statSync, watch } from 'node:fs'

interface Watched {
  readonly watcher: FSWatcher
  /** An open directory keeps its inode: procfs would make a new one after memory pressure, without our watch. */
  readonly fd: number
  readonly inode: bigint
}

export class WriteWatch {
  private readonly watched = new Map<string, Watched>()

  /** @param onWrite called with the watched directory, and the name in it if it is known */
  constructor(private readonly onWrite: (path: string, name: string | null) => void) {}

  /**
   * Watches these directories and no others. One that cannot be watched is left to the periodic check. One that went and
   * came back, as that of a queue does when channels change, is another one, and nothing tells that it went: the old one
   * is held open here.
   */
  follow(directories: readonly string[]): void {
    const wanted = new Set(directories)
    for (const [path, { inode }] of [...this.watched])
      if (!wanted.has(path) || inodeOf(path) !== inode) this.forget(path)
    for (const path of wanted) if (!this.watched.has(path)) this.add(path)
  }

  get size(): number {
    return this.watched.size
  }

  close(): void {
    this.follow([])
  }

  private add(path: string): void {
    let fd: number | undefined
    try {
      fd = openSync(path, 'r')
      const watcher = watch(path, { persistent: false }, (_, name) => this.onWrite(path, name))
      watcher.on('error', () => this.forget(path))
      this.watched.set(path, { watcher, fd, inode: fstatSync(fd, { bigint: true }).ino })
    } catch {
      if (fd !== undefined) closeSync(fd)
    }
  }

  private forget(path: string): void {
    const entry = this.watched.get(path)
    if (entry === undefined) return
    this.watched.delete(path)
    entry.watcher.close()
    closeSync(entry.fd)
  }
}

/** While one is held open, no other gets its number. */
function inodeOf(path: string): bigint | undefined {
  try {
    return statSync(path, { bigint: true }).ino
  } catch {
    return undefined
  }
}
