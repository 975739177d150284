// Signs requests with a system's key, and believes no answer that the gateway did not sign.
import { createHash, timingSafeEqual, X509Certificate } from 'node:crypto';
import { DOMParser } from '@xmldom/xmldom';
import soap from 'soap';
import { ExclusiveCanonicalization, SignedXml } from 'xml-crypto';
import xpath from 'xpath';
import { ECDSA_SHA256, EcdsaSha256 } from './ecdsa.mjs';

const DS = 'http://www.w3.org/2000/09/xmldsig#';
const WSU = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd';
const EXCLUSIVE = 'http://www.w3.org/2001/10/xml-exc-c14n#';
const RSA_SHA256 = 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256';
const SHA256 = 'http://www.w3.org/2001/04/xmlenc#sha256';
const select = xpath.useNamespaces({ ds: DS, wsu: WSU });
const sha256 = (octets) => createHash('sha256').update(octets).digest();
const equal = (one, other) => one.length === other.length && timingSafeEqual(one, other);

/** A fault without a signature: who made it is unknown, so look into it, and do nothing by it. */
export class UnsignedFault extends Error {
  constructor(detail) {
    super('an unsigned fault: do not act on it');
    this.detail = detail;
  }
}

/** The security of a soap client: `key` and `certificate` are PEM, the certificate that of the system alone. */
export class MessageSignature {
  constructor(key, certificate, gatewayCertificate) {
    this.files = [key, certificate];
    this.isElliptic = new X509Certificate(certificate).publicKey.asymmetricKeyType === 'ec';
    this.gateway = gatewayCertificate;
  }

  /** Called by the client with each envelope: signs Body and Timestamp. */
  postProcess(envelope, prefix) {
    // A security of its own for each message: the package keeps the references of the last one.
    const security = new soap.WSSecurityCert(...this.files, '', {
      hasTimeStamp: true,
      signatureAlgorithm: RSA_SHA256,
      digestAlgorithm: SHA256,
      signatureTransformations: [EXCLUSIVE],
      signerOptions: { idMode: 'wssecurity' },
    });
    if (this.isElliptic) { // only now: given RSA's name above, the package references Body as it must
      security.signer.SignatureAlgorithms[ECDSA_SHA256] = EcdsaSha256;
      security.signer.signatureAlgorithm = ECDSA_SHA256;
    }
    const signed = security.postProcess(envelope, prefix);
    const [signedInfo] = select('//ds:SignedInfo', parse(signed));
    this.requestDigest = sha256(new ExclusiveCanonicalization().process(signedInfo, {}));
    return this.included ? this.included(signed) : signed;
  }

  /**
   * Throws unless the gateway signed this answer, faults too: its Body, its Timestamp, and every part beside it.
   * `answer` is the envelope as received, `parts` what came beside it.
   */
  verify(answer, parts = []) {
    const document = parse(answer);
    const signatures = select("/*/*[local-name()='Header']/*[local-name()='Security']/ds:Signature", document);
    if (signatures.length !== 1) {
      const [detail] = select("/*/*[local-name()='Body']/*[local-name()='Fault']//*[local-name()='BropostFault']", document);
      if (!detail) throw new Error('the answer is not signed');
      const texts = Array.from(detail.childNodes).map((each) => [each.localName, each.textContent]);
      throw new UnsignedFault(Object.fromEntries(texts));
    }
    const signed = new WithParts(parts, { publicCert: this.gateway, idMode: 'wssecurity' });
    signed.loadSignature(signatures[0]);
    if (signed.signatureAlgorithm !== RSA_SHA256 || !signed.checkSignature(answer)) {
      throw new Error("the answer's signature does not hold");
    }
    const uris = signed.getReferences().map((reference) => reference.uri);
    const [body] = select("/*/*[local-name()='Body']", document);
    const [timestamp] = select("/*/*[local-name()='Header']/*/wsu:Timestamp", document);
    for (const element of [body, timestamp]) {
      const id = element?.getAttributeNS(WSU, 'Id');
      if (!id || !uris.includes(`#${id}`)) throw new Error("the answer's Body or Timestamp is not signed");
    }
    for (const part of parts) {
      if (!uris.includes(`cid:${contentId(part)}`)) throw new Error('a part of the answer is not signed');
    }
    const expires = select('string(wsu:Expires)', timestamp);
    if (new Date(expires) < new Date()) throw new Error('the answer has expired');
  }

  /** Throws if an answer or a fault names another request than the last one. */
  requireAnswer(named) {
    if (!equal(Buffer.from(named, 'base64'), this.requestDigest)) {
      throw new Error('the answer belongs to another request');
    }
  }
}

/** Knows references to parts beside the envelope, too: the SwA transform, over the octets as they are. */
class WithParts extends SignedXml {
  constructor(parts, options) {
    super(options);
    this.parts = new Map(parts.map((part) => [`cid:${contentId(part)}`, part.body]));
    this.CanonicalizationAlgorithms[SWA] = ExclusiveCanonicalization; // only so that the name is known
  }

  validateReference(reference, document) {
    if (!this.parts.has(reference.uri)) return super.validateReference(reference, document);
    return equal(sha256(this.parts.get(reference.uri)), Buffer.from(reference.digestValue, 'base64')) ? '<part/>' : undefined;
  }
}
const SWA = 'http://docs.oasis-open.org/wss/oasis-wss-SwAProfile-1.1#Attachment-Content-Signature-Transform';

/** The name of a part that came beside an answer, without its angle brackets. */
export const contentId = (part) => (part.headers['content-id'] ?? part.headers['Content-ID']).slice(1, -1);

const parse = (xml) => new DOMParser().parseFromString(xml, 'text/xml');
