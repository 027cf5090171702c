/** The canonical text of 16 bytes (RFC 5952), without brackets. */
export function formatIPv6(bytes: Buffer): string {
  const groups: string[] = []
  for (let i = 0; i < 16; i += 2) groups.push(bytes.readUInt16BE(i).toString(16))
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1)
}

/** The 16 bytes of an IPv6 address that net.isIPv6 accepts, without a zone. */
export function parseIPv6(text: string): Buffer {
  const [head, tail] = new URL(`http://[${text}]`).hostname.slice(1, -1).split('::')
  const before = groups(head)
  const after = groups(tail)
  const zeros = tail === undefined ? [] : new Array<number>(8 - before.length - after.length).fill(0)
  const bytes = Buffer.alloc(16)
  ;[...before, ...zeros, ...after].forEach((group, i) => bytes.writeUInt16BE(group, i * 2))
  return bytes
}

function groups(text: string | undefined): readonly number[] {
  return text ? text.split(':').map((group) => parseInt(group, 16)) : []
}
