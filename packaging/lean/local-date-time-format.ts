/**
 * Intl.DateTimeFormat as node-cron uses it, for the local time zone: the first real one loads ICU's tables, 2 of the daemon's 12 MiB.
 * Date knows the local time without them.
 */

const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']

export class LocalDateTimeFormat {
  private readonly isOffset: boolean

  /** @throws Error for a time zone by name, which vqtune never gives */
  constructor(_locale: 'en-US', { timeZone, timeZoneName }: Intl.DateTimeFormatOptions = {}) {
    if (timeZone !== undefined) throw new Error(`no time zone but the local one: ${timeZone}`)
    this.isOffset = timeZoneName === 'shortOffset'
  }

  formatToParts(date: Date): { type: string; value: string }[] {
    const parts = this.isOffset ? { timeZoneName: shortOffset(date) } : localParts(date)
    return Object.entries(parts).map(([type, value]) => ({ type, value: String(value) }))
  }
}

/** By this name esbuild puts it in the place of the real one. */
export { LocalDateTimeFormat as 'Intl.DateTimeFormat' }

function localParts(date: Date) {
  return {
    weekday: WEEKDAYS[date.getDay()],
    month: twoDigits(date.getMonth() + 1),
    day: twoDigits(date.getDate()),
    year: date.getFullYear(),
    hour: twoDigits(date.getHours()),
    minute: twoDigits(date.getMinutes()),
    second: twoDigits(date.getSeconds()),
  }
}

/** GMT, GMT+1, GMT-3:30. */
function shortOffset(date: Date): string {
  const minutes = -date.getTimezoneOffset()
  if (minutes === 0) return 'GMT'
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60]
  return `GMT${minutes < 0 ? '-' : '+'}${hours}${rest === 0 ? '' : `:${twoDigits(rest)}`}`
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0')
}
