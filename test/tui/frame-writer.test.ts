import { describe, expect, it } from 'vitest'
import { FrameWriter } from '../../src/tui/frame-writer.js'

const BEGIN = '\x1b[?2026h'
const END = '\x1b[?2026l'
const line = (row: number, text: string) => `\x1b[${row};1H\x1b[2K${text}`

function writer(rows = 3) {
  const written: string[] = []
  return { written, frames: new FrameWriter(10, rows, (text) => written.push(text)) }
}

describe('FrameWriter', () => {
  it('writes the first frame as a whole, then only what differs, each as one piece', () => {
    const { written, frames } = writer()
    frames.write('a\nb\nc')
    frames.write('a\nB\nc')
    expect(written).toEqual([BEGIN + line(1, 'a') + line(2, 'b') + line(3, 'c') + END, BEGIN + line(2, 'B') + END])
  })

  it('writes nothing for the same frame', () => {
    const { written, frames } = writer()
    frames.write('a\nb')
    frames.write('a\nb')
    expect(written).toHaveLength(1)
  })

  it('wipes the lines that a lower frame leaves behind', () => {
    const { written, frames } = writer()
    frames.write('a\nb\nc')
    frames.write('a')
    expect(written[1]).toBe(BEGIN + line(2, '') + line(3, '') + END)
  })

  it('cuts what is higher than the terminal', () => {
    const { written, frames } = writer(2)
    frames.write('a\nb\nc')
    expect(written[0]).toBe(BEGIN + line(1, 'a') + line(2, 'b') + END)
  })

  it('starts over in another size, and passes nothing on once closed', () => {
    const { written, frames } = writer()
    frames.write('a')
    frames.resize(20, 4)
    expect(frames).toMatchObject({ columns: 20, rows: 4 })
    frames.write('a')
    expect(written[1]).toBe(written[0])
    frames.close()
    frames.write('b')
    expect(written).toHaveLength(2)
  })
})
