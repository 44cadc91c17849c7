// A citizen of the sandbox logs in, owes for water, pays by card and reads the receipt.
// node dist/examples/pay-a-bill.js http://127.0.0.1:8000 http://127.0.0.1:8011

import { connectWith, newKey } from '../src/index.js'

declare const process: { argv: string[] }
const [api = '', city = ''] = process.argv.slice(2)
const name = '李雷'
const phone = `+86137${digits(8)}`

/** Speak to the world around the product: in production people, phones and billers do this. */
async function around(path: string, body?: object): Promise<any> {
  const headers = { 'Content-Type': 'application/json' }
  const sent = body ? { method: 'POST', headers, body: JSON.stringify(body) } : {}
  const answer = await fetch(city + path, sent)
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`)
  return answer.json()
}

/** Look until it is there. */
async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (let tries = 0; tries < 300; tries++) {
    const seen = await look()
    if (seen !== undefined) return seen
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  throw new Error('it did not come')
}

/** What was answered, or the refusal's code as an error. */
function good<T>(answer: { data?: T; error?: { code: string } }): T {
  if (answer.data === undefined) throw new Error(answer.error?.code ?? 'no answer')
  return answer.data
}

function digits(count: number): string {
  return String(crypto.getRandomValues(new Uint32Array(1))[0]).padStart(count, '0').slice(-count)
}

// 1. Log in, with the code of the text message.
const door = connectWith(api)
const asked = good(await door.POST('/v1/auth/challenges', { body: { phone, purpose: 'login' } }))
const texts = `/sms/messages?to=${encodeURIComponent(phone)}`
const code: string = await until(async () => (await around(texts)).items[0]?.code)
const session = good(
  await door.POST('/v1/auth/sessions', {
    body: { challenge_id: asked.id, code, device: { name: 'example', platform: 'web' } },
  }),
)
const home = connectWith(api, session.access_token)

// 2. Move in: the water company has an account with a bill, which the citizen links.
const account = digits(10)
await around('/billers/shiyan-water/accounts', { number: account, holder_name: name })
await around('/billers/shiyan-water/bills', {
  account,
  reference: `E${digits(10)}`,
  amount: 4250,
  currency: 'CNY',
  period_from: '2026-10-01',
  period_to: '2026-10-31',
  due_date: '2026-12-15',
})
good(
  await home.POST('/v1/utilities/accounts', {
    body: { biller: 'shiyan-water', number: account, holder_name: name },
  }),
)

// 3. List what is owed, and pay it.
const [bill] = good(await home.GET('/v1/me/payables')).items
if (!bill) throw new Error('nothing is owed')
const payment = good(
  await home.POST('/v1/payments', {
    params: { header: { 'Idempotency-Key': newKey() } },
    body: { items: [{ service: bill.service, reference: bill.reference }], method: 'card' },
  }),
)
const action = payment.next_action
if (!action?.client_secret) throw new Error('no card is asked for')
const confirmed = await fetch(`${action.api_base}/v1/payment_intents/${action.intent}/confirm`, {
  method: 'POST',
  headers: { Authorization: `Bearer ${action.publishable_key}` },
  body: new URLSearchParams({
    client_secret: action.client_secret,
    payment_method: 'pm_card_visa',
  }),
})
if (!confirmed.ok) throw new Error(`the card was refused: ${confirmed.status}`)

// 4. The receipt, once the biller has been told.
const receipt = await until(async () => {
  const path = { payment_id: payment.id }
  const { data } = await home.GET('/v1/payments/{payment_id}/receipt', { params: { path } })
  return typeof data === 'string' ? undefined : data // text would be the PDF, which we did not ask for
})
const yuan = (fen: number) => (fen / 100).toFixed(2)
console.log(`${yuan(payment.amount)} paid, receipt of ${yuan(receipt.amount)}`)
