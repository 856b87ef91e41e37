/**
 * A BPF object with one XDP program that passes everything, made by hand: two instructions do not need a compiler.
 *   await guest.writeFile('/tmp/xdp.o', xdpPassObject())
 *   ip link set dev X xdp obj /tmp/xdp.o sec xdp
 */
export function xdpPassObject(): Buffer {
  const movR0Pass = [0xb7, 0, 0, 0, 2, 0, 0, 0]
  const exit = [0x95, 0, 0, 0, 0, 0, 0, 0]
  const names = Buffer.from('\0.strtab\0.symtab\0xdp\0license\0pass\0')
  const nameOf = (name: string): number => names.indexOf(`\0${name}\0`) + 1

  // Symbol 0 is the reserved one; libbpf finds the program by its function symbol in section 1.
  const symbols = Buffer.alloc(48)
  symbols.writeUInt32LE(nameOf('pass'), 24)
  symbols.writeUInt8(0x12, 28) // global function
  symbols.writeUInt16LE(1, 30)
  symbols.writeBigUInt64LE(16n, 40)

  const progbits = 1
  const symtab = 2
  const strtab = 3
  const sections = [
    {
      name: 'xdp',
      type: progbits,
      flags: 6,
      link: 0,
      info: 0,
      entry: 0,
      data: Buffer.from([...movR0Pass, ...exit]),
    },
    { name: 'license', type: progbits, flags: 3, link: 0, info: 0, entry: 0, data: Buffer.from('GPL\0') },
    { name: '.symtab', type: symtab, flags: 0, link: 4, info: 1, entry: 24, data: symbols },
    { name: '.strtab', type: strtab, flags: 0, link: 0, info: 0, entry: 0, data: names },
  ]

  const headerSize = 64
  const contents: Buffer[] = []
  let offset = headerSize
  const headers = [Buffer.alloc(64)]
  for (const section of sections) {
    const padded = Buffer.alloc(Math.ceil(section.data.length / 8) * 8)
    section.data.copy(padded)
    const header = Buffer.alloc(64)
    header.writeUInt32LE(nameOf(section.name), 0)
    header.writeUInt32LE(section.type, 4)
    header.writeBigUInt64LE(BigInt(section.flags), 8)
    header.writeBigUInt64LE(BigInt(offset), 24)
    header.writeBigUInt64LE(BigInt(section.data.length), 32)
    header.writeUInt32LE(section.link, 40)
    header.writeUInt32LE(section.info, 44)
    header.writeBigUInt64LE(8n, 48)
    header.writeBigUInt64LE(BigInt(section.entry), 56)
    headers.push(header)
    contents.push(padded)
    offset += padded.length
  }

  const elf = Buffer.alloc(headerSize)
  elf.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]) // ELF, 64 bit, little endian
  elf.writeUInt16LE(1, 16) // relocatable
  elf.writeUInt16LE(247, 18) // EM_BPF
  elf.writeUInt32LE(1, 20)
  elf.writeBigUInt64LE(BigInt(offset), 40)
  elf.writeUInt16LE(headerSize, 52)
  elf.writeUInt16LE(64, 58)
  elf.writeUInt16LE(headers.length, 60)
  elf.writeUInt16LE(4, 62)
  return Buffer.concat([elf, ...contents, ...headers])
}
