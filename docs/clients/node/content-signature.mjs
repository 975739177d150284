// Judges the content signature of a document that was retrieved: XAdES baseline B, enveloped, by the sender.
import { createHash, X509Certificate } from 'node:crypto';
import { DOMParser } from '@xmldom/xmldom';
import { SignedXml } from 'xml-crypto';
import xpath from 'xpath';
import { ECDSA_SHA256, EcdsaSha256 } from './ecdsa.mjs';

const DS = 'http://www.w3.org/2000/09/xmldsig#';
const EXCLUSIVE = 'http://www.w3.org/2001/10/xml-exc-c14n#';
const SHA256 = 'http://www.w3.org/2001/04/xmlenc#sha256';
const METHODS = ['http://www.w3.org/2001/04/xmldsig-more#rsa-sha256', ECDSA_SHA256];
const MOST_BETWEEN = 3; // authorities between the root and a certificate
const select = xpath.useNamespaces({ doc: 'urn:dk:bropost:document:1', ds: DS, xades: 'http://uri.etsi.org/01903/v1.3.2#' });
const parse = (xml) => new DOMParser().parseFromString(xml, 'text/xml');

/** The document is not as its sender sealed it. */
export class NotAsSealed extends Error {}

const require = (holds, what) => {
  if (!holds) throw new NotAsSealed(what);
};

/**
 * Who sealed a document: the common name of the certificate. Throws NotAsSealed unless the signature holds, covers the whole
 * document, and is by the organisation that the document names as its sender, with a certificate under one of `roots` (PEM).
 * Revocation is not looked up: the gateway did that when the document came in.
 */
export function verifySender(octets, roots) {
  const xml = octets.toString('utf8');
  const document = parse(xml);
  const signatures = select('/doc:Document/ds:Signature', document);
  require(signatures.length === 1, 'it does not hold one content signature');
  const [signature] = signatures;
  const chain = select('ds:KeyInfo/ds:X509Data/ds:X509Certificate', signature)
    .map((each) => new X509Certificate(Buffer.from(each.textContent, 'base64')));
  require(chain.length > 0, 'it holds no certificate');
  requireTrusted(chain, certificatesOf(roots));

  const [leaf] = chain;
  const signed = new SignedXml({ publicCert: leaf.toString(), getCertFromKeyInfo: () => null });
  signed.SignatureAlgorithms[ECDSA_SHA256] = EcdsaSha256;
  signed.loadSignature(signature);
  require(METHODS.includes(signed.signatureAlgorithm), 'the method of its signature is not allowed');
  requireCovered(signed, signature);
  require(holds(signed, xml), 'its signature does not hold');
  const properties = 'ds:Object/xades:QualifyingProperties/xades:SignedProperties/xades:SignedSignatureProperties';
  const digest = select(`string(${properties}/xades:SigningCertificateV2/xades:Cert/xades:CertDigest/ds:DigestValue)`, signature);
  require(digest === createHash('sha256').update(leaf.raw).digest('base64'), 'another certificate has signed it');

  const sealed = parse(signed.getSignedReferences()[0]); // read nothing but what was signed
  const cvr = select('string(/doc:Document/doc:Header/doc:Sender/doc:Party/doc:Cvr)', sealed);
  const subject = leaf.subject.split('\n');
  require(cvr && subject.includes(`organizationIdentifier=NTRDK-${cvr}`), 'another organisation than its sender has sealed it');
  return subject.find((each) => each.startsWith('CN=')).slice('CN='.length);
}

/** Two references: the document without its signature, and the signed properties of this signature. */
function requireCovered(signed, signature) {
  const [whole, properties, ...others] = signed.getReferences();
  const ids = select('ds:Object/xades:QualifyingProperties/xades:SignedProperties/@Id', signature).map((each) => each.value);
  const transforms = (reference) => reference.transforms.join(' ');
  require(
    properties !== undefined && others.length === 0 && ids.length === 1 && signed.canonicalizationAlgorithm === EXCLUSIVE
    && whole.uri === '' && transforms(whole) === `${DS}enveloped-signature ${EXCLUSIVE}`
    && properties.uri === `#${ids[0]}` && transforms(properties) === EXCLUSIVE
    && [whole, properties].every((each) => each.digestAlgorithm === SHA256),
    'its signature does not cover the document',
  );
}

function holds(signed, xml) {
  try {
    return signed.checkSignature(xml);
  } catch {
    return false; // the package throws if it is the document that was changed
  }
}

/** The first certificate leads to a root, by others that came with it. */
function requireTrusted(chain, roots) {
  const now = new Date();
  let [current] = chain;
  for (let step = 0; step <= MOST_BETWEEN; step += 1) {
    require(new Date(current.validFrom) <= now && now <= new Date(current.validTo), 'a certificate is not valid now');
    const issuedBy = (issuer) => issuer.ca && current.checkIssued(issuer) && current.verify(issuer.publicKey);
    if (roots.some(issuedBy)) return;
    current = chain.find((each) => each !== current && issuedBy(each));
    if (!current) break;
  }
  throw new NotAsSealed('its certificate is not trusted');
}

const certificatesOf = (pem) =>
  (pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []).map((each) => new X509Certificate(each));
