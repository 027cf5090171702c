import { Flags } from '@oclif/core'
import { BaseCommand } from '../cli/base-command.js'
import { adviseFlags } from '../cli/advise/flags.js'
import { interview, missing } from '../cli/advise/interview.js'
import { adviceDocument } from '../cli/output/advice-document.js'
import { advise } from '../core/advise/advise.js'
import type { Said } from '../core/advise/answers.js'
import { openQuestions, QUESTIONS } from '../core/advise/questions.js'

export default class Advise extends BaseCommand<typeof Advise> {
  static override summary = 'Recommend how to balance, with the reason and the commands'
  static override description = `Says whether clients, a proxy, a lookaside balancer or xDS should do it, what a proxy should balance (connections, L4, or
requests, L7), and by which policy. On a terminal it asks what the flags do not say; elsewhere what is not said takes its
default. It needs no registry.`
  static override examples = [
    '<%= config.bin %> advise',
    '<%= config.bin %> advise --protocol grpc --clients many --trust trusted --traffic high',
    '<%= config.bin %> advise --protocol http --clients many --trust untrusted --affinity cookie --json',
  ]
  static override flags = {
    service: Flags.string({ helpValue: 'NAME', description: 'name of the service in the commands that are printed' }),
    ...adviseFlags,
  }

  async run() {
    const said = await this.#say(this.#given())
    await this.print(adviceDocument(advise(said, this.flags.service)))
  }

  #given(): Said {
    const pairs = QUESTIONS.map(({ topic }) => [topic, this.flags[topic]] as const)
    return Object.fromEntries(pairs.filter(([, value]) => value !== undefined))
  }

  /** Asks people, and leaves programs what has a default. */
  async #say(given: Said): Promise<Said> {
    const open = openQuestions(given)
    if (open.length > 0 && process.stdin.isTTY && process.stderr.isTTY) {
      return interview(given, { input: process.stdin, output: process.stderr }, this.signal)
    }
    const demanded = open.filter(({ otherwise }) => otherwise === undefined)
    if (demanded.length > 0) throw missing(demanded)
    return given
  }
}
