// A verifier of credentials that shares no code with the product.
//
// What it is told comes as JSON on its input: the issuer's metadata, the status lists by their
// address, the moment, and the credentials. What it thinks of each goes to its output.
import { createHash, createPublicKey, verify } from 'node:crypto'
import { text } from 'node:stream/consumers'
import { SDJwtVcInstance } from '@sd-jwt/sd-jwt-vc'

const told = JSON.parse(await text(process.stdin))

function isSigned(data, signature, jwk) {
  const key = createPublicKey({ key: jwk, format: 'jwk' })
  return verify('sha256', Buffer.from(data), { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url'))
}

function byIssuer(data, signature) {
  const header = JSON.parse(Buffer.from(data.split('.')[0], 'base64url'))
  const jwk = told.issuer.jwks.keys.find((key) => key.kid === header.kid)
  return jwk !== undefined && isSigned(data, signature, jwk)
}

const verifier = new SDJwtVcInstance({
  hasher: (data, algorithm) => createHash(algorithm.replace('-', '')).update(Buffer.from(data)).digest(),
  hashAlg: 'sha-256',
  verifier: byIssuer,
  kbVerifier: (data, signature, payload) => isSigned(data, signature, payload.cnf.jwk),
  statusListFetcher: async (uri) => told.lists[uri],
  vctFetcher: async (uri) => told.types[uri],
  loadTypeMetadataFormat: true,
})

async function look({ credential, nonce, requires }) {
  try {
    const seen = await verifier.verify(credential, {
      currentDate: told.now,
      keyBindingNonce: nonce,
      requiredClaimKeys: requires,
    })
    return { claims: seen.payload, type: seen.typeMetadata?.mergedTypeMetadata ?? seen.typeMetadata }
  } catch (error) {
    return { refused: String(error.message) }
  }
}

console.log(JSON.stringify(await Promise.all(told.cases.map(look))))
