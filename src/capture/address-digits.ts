/** IP addresses as hexadecimal digits, which have one form for each. Pure. */

/** `c0a80001` -> `0100a8c0`. */
export function bytesSwapped(word: string): string {
  return Buffer.from(word, 'hex').reverse().toString('hex')
}

/** An address in full: 32 digits, lower case. @param text one that isIPv6 accepts */
export function digitsOfV6(text: string): string {
  const quad = /[\d.]+\.\d+$/.exec(text)?.[0]
  const tail =
    quad === undefined ? [] : (Buffer.from(quad.split('.').map(Number)).toString('hex').match(/.{4}/g) ?? [])
  const [head = '', rest] = (
    quad === undefined ? text : text.slice(0, -quad.length).replace(/(?<!:):$/, '')
  ).split('::')
  const groups = (part: string | undefined) => (part ?? '').split(':').filter((group) => group !== '')
  const before = groups(head)
  const after = [...groups(rest), ...tail]
  const middle = rest === undefined ? [] : new Array<string>(8 - before.length - after.length).fill('0')
  return [...before, ...middle, ...after]
    .map((group) => group.padStart(4, '0'))
    .join('')
    .toLowerCase()
}
