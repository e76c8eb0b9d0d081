// Decides requests with @cloud-copilot/iam-simulate: one JSON simulation a line in, one result a
// line out.
import { createInterface } from 'node:readline'
import { runSimulation } from '@cloud-copilot/iam-simulate'

for await (const line of createInterface({ input: process.stdin })) {
  const answer = await runSimulation(JSON.parse(line), {})
  process.stdout.write(`${JSON.stringify({
    errors: answer.errors,
    result: answer.overallResult,
    ignored: answer.result?.ignoredContextKeys,
  })}\n`)
}
