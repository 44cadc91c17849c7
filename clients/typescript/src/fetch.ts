// The way out: a token and a fresh proof on each attempt, and another attempt where it is safe.

const TRIES = 4
const LONGEST_WAIT = 10_000
const RENEWED_BEFORE = 30_000
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const ES256 = { name: 'ECDSA', namedCurve: 'P-256' }
const REPEATABLE = new Set(['GET', 'HEAD', 'PUT', 'DELETE'])

/** A client of the city as it was made: its id, the API's address, its private key. */
export interface Credentials {
  client_id: string
  issuer: string
  private_key: JsonWebKey & { kid?: string }
}

/**
 * Sends requests in the name of a client. What is safe to repeat (GET, PUT, DELETE, anything with
 * an Idempotency-Key) is tried four times at most when the connection broke or the answer was 429
 * or 503, after what Retry-After says; everything else is the caller's to decide.
 */
export class CityFetch {
  private token = ''
  private goodUntil = 0
  private nonce = ''
  private renewal: Promise<void> | undefined
  private readonly keys = crypto.subtle.generateKey(ES256, false, ['sign', 'verify'])

  constructor(
    private readonly credentials: Credentials,
    private readonly scope: string,
  ) {}

  async send(request: Request): Promise<Response> {
    const isRepeatable = REPEATABLE.has(request.method) || request.headers.has('Idempotency-Key')
    let hasLearnt = false
    for (let attempt = 1; ; attempt++) {
      const mayRepeat = isRepeatable && attempt < TRIES
      let response: Response
      try {
        response = await fetch(await this.signed(request))
      } catch (error) {
        if (!mayRepeat || !(error instanceof TypeError)) throw error
        await pause(attempt, null)
        continue
      }
      if (response.status === 401 && !hasLearnt) {
        hasLearnt = true // refused at the door: nothing has happened
        this.learn(response)
        continue
      }
      if (!mayRepeat || (response.status !== 429 && response.status !== 503)) return response
      await pause(attempt, response.headers.get('Retry-After'))
    }
  }

  private async signed(request: Request): Promise<Request> {
    if (Date.now() >= this.goodUntil) {
      this.renewal ??= this.renew().finally(() => (this.renewal = undefined))
      await this.renewal
    }
    const attempt = request.clone()
    const place = request.url.replace(/[?#].*$/, '')
    attempt.headers.set('Authorization', `DPoP ${this.token}`)
    attempt.headers.set('DPoP', await this.prove(request.method, place, this.token))
    return attempt
  }

  private learn(response: Response): void {
    const nonce = response.headers.get('DPoP-Nonce')
    if (nonce === null) this.goodUntil = 0
    else this.nonce = nonce
  }

  private async renew(): Promise<void> {
    const url = `${this.credentials.issuer}/oauth/token`
    for (let isFirst = true; ; isFirst = false) {
      const form = new URLSearchParams({
        grant_type: 'client_credentials',
        client_assertion_type: ASSERTION_TYPE,
        client_assertion: await this.assertion(),
      })
      if (this.scope) form.set('scope', this.scope)
      const headers = { DPoP: await this.prove('POST', url) }
      const answer = await fetch(url, { method: 'POST', body: form, headers })
      const nonce = answer.headers.get('DPoP-Nonce')
      if (nonce !== null && isFirst) {
        this.nonce = nonce
        continue
      }
      if (!answer.ok) throw new Error(`no token: ${answer.status} ${await answer.text()}`)
      const given = (await answer.json()) as { access_token: string; expires_in: number }
      this.token = given.access_token
      this.goodUntil = Date.now() + given.expires_in * 1000 - RENEWED_BEFORE
      return
    }
  }

  /** A fresh proof that this client speaks (RFC 7523); it is good once. */
  private async assertion(): Promise<string> {
    const { client_id, issuer, private_key } = this.credentials
    const { kty, crv, x, y, d } = private_key
    const jwk = { kty, crv, x, y, d } as JsonWebKey
    const key = await crypto.subtle.importKey('jwk', jwk, ES256, false, ['sign'])
    const iat = Math.floor(Date.now() / 1000)
    const claims = { iss: client_id, sub: client_id, aud: issuer, iat, exp: iat + 55 }
    return sign({ alg: 'ES256', typ: 'JWT', kid: private_key.kid }, claims, key)
  }

  /** A fresh proof that this process holds the key of its token (RFC 9449). */
  private async prove(htm: string, htu: string, token = ''): Promise<string> {
    const { publicKey, privateKey } = await this.keys
    const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', publicKey)
    const claims = {
      htm,
      htu,
      iat: Math.floor(Date.now() / 1000),
      ...(token && { ath: await digest(token) }),
      ...(this.nonce && { nonce: this.nonce }),
    }
    return sign({ typ: 'dpop+jwt', alg: 'ES256', jwk: { kty, crv, x, y } }, claims, privateKey)
  }
}

async function sign(header: object, claims: object, key: CryptoKey): Promise<string> {
  const named = { jti: crypto.randomUUID(), ...claims }
  const input = `${encode(JSON.stringify(header))}.${encode(JSON.stringify(named))}`
  const algorithm = { name: 'ECDSA', hash: 'SHA-256' }
  const bytes = await crypto.subtle.sign(algorithm, key, new TextEncoder().encode(input))
  return `${input}.${encode(new Uint8Array(bytes))}`
}

async function digest(text: string): Promise<string> {
  const bytes = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return encode(new Uint8Array(bytes))
}

function encode(value: string | Uint8Array): string {
  const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value
  const text = btoa(String.fromCharCode(...bytes))
  return text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

async function pause(attempt: number, said: string | null): Promise<void> {
  const wait = said !== null && /^\d+$/.test(said) ? Number(said) * 1000 : 200 * 2 ** attempt
  await new Promise((resolve) => setTimeout(resolve, Math.min(wait, LONGEST_WAIT)))
}
