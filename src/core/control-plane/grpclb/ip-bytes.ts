import { isIPv4 } from 'node:net'

/** An IP address in network order: four bytes, or sixteen. */
export function ipBytes(ip: string): Buffer {
  return isIPv4(ip) ? Buffer.from(ip.split('.').map(Number)) : ipv6Bytes(ip)
}

function ipv6Bytes(ip: string): Buffer {
  const bytes = Buffer.alloc(16)
  const [head = '', tail] = ip.split('::')
  const first = groupsOf(head)
  const last = tail === undefined ? [] : groupsOf(tail)
  first.forEach((group, i) => bytes.writeUInt16BE(group, 2 * i))
  last.forEach((group, i) => bytes.writeUInt16BE(group, 16 - 2 * (last.length - i)))
  return bytes
}

/** Sixteen bits each; the last two may be written as an IPv4 address. */
function groupsOf(text: string): number[] {
  if (text === '') return []
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [parseInt(group, 16)]
    const [a, b, c, d] = group.split('.').map(Number) as [number, number, number, number]
    return [a * 256 + b, c * 256 + d]
  })
}
