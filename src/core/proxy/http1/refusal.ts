import { STATUS_CODES } from 'node:http'
import type { Fault } from './syntax.js'

const answers = new Map<Fault, Buffer>()

/** The response to a request that could not be read. The connection closes after it. */
export function refusal(fault: Fault): Buffer {
  let answer = answers.get(fault)
  if (!answer) {
    const { status, reason } = fault
    const body = `${reason}\n`
    answer = Buffer.from(
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: text/plain\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
    )
    answers.set(fault, answer)
  }
  return answer
}
