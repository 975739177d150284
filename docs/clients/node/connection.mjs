// A system connected to one of the two services, acting for one party.
import { readFileSync } from 'node:fs';
import { Agent } from 'node:https';
import soap from 'soap';
import { MessageSignature, contentId } from './message-signature.mjs';

/** The gateway refused a request; `fault` is the typed detail, which was signed. */
export class Refused extends Error {
  constructor(fault) {
    super(`${fault.Code}: ${fault.English}`);
    this.fault = fault;
  }
}

/** The settings of a file. */
export function readSettings(file) {
  const lines = readFileSync(file, 'utf8').split('\n').filter((line) => line.includes('='));
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
}

/**
 * A connection, from a file of settings, a name and a value on each line:
 *
 * wsdl       where the service's WSDL is: an address or a file
 * port       the port in it, e.g. MunicipalitySoap12
 * key        the system's private key, PEM
 * chain      its certificates, PEM, its own first
 * gateway    the gateway's message certificate, PEM
 * authority  whom TLS trusts, PEM
 * seal.root  whom content signatures trust, PEM
 * cvr, unit  the party to act for
 */
export class Connection {
  static async open(file) {
    const settings = readSettings(file);
    const read = (name) => readFileSync(settings[name], 'utf8');
    const httpsAgent = new Agent({ ca: read('authority'), keepAlive: true });
    const client = await soap.createClientAsync(settings.wsdl, {
      wsdl_options: { httpsAgent },
      forceSoap12Headers: settings.port.endsWith('Soap12'),
      parseReponseAttachments: true, // large attachments come beside the envelope; the package spells it so
    });
    const signature = new MessageSignature(read('key'), firstOf(read('chain')), firstOf(read('gateway')));
    client.setSecurity(signature);
    return new Connection(client, settings, signature, httpsAgent);
  }

  constructor(client, settings, signature, httpsAgent) {
    this.client = client;
    this.signature = signature;
    this.httpsAgent = httpsAgent;
    this.sealRoots = readFileSync(settings['seal.root'], 'utf8');
    const isMunicipality = settings.port.startsWith('Municipality');
    this.isMunicipality = isMunicipality;
    this.operations = client[isMunicipality ? 'MunicipalityService' : 'InstitutionService'][settings.port];
    this.party = { Cvr: settings.cvr, [isMunicipality ? 'MunicipalityCode' : 'InstitutionNumber']: settings.unit };
  }

  /** Calls an operation, and returns its answer once it has proved to be the gateway's, and to this request. */
  async call(operation, request, contents = []) {
    // To sign much takes seconds. A connection that lies idle so long may be closed, and this process is too busy to notice.
    const httpsAgent = contents.length > 0 ? new Agent({ ca: this.httpsAgent.options.ca }) : this.httpsAgent;
    const options = { httpsAgent, ...this.#included(contents) };
    const { error, result } = await new Promise((resolve) => {
      this.operations[operation](request, (error, result) => resolve({ error, result }), options);
    });
    if (error && !error.root) throw error; // no answer at all
    this.signature.verify(this.client.lastResponse, this.client.lastResponseAttachments?.parts);
    const fault = error?.root.Envelope.Body.Fault;
    const detail = fault && (fault.detail ?? fault.Detail).BropostFault;
    this.signature.requireAnswer(fault ? detail.RequestDigest : result.Answer.RequestDigest);
    if (fault) throw new Refused(detail);
    return result;
  }

  /** The octets of a part that came beside the last answer. */
  part(name) {
    return this.client.lastResponseAttachments.parts.find((part) => contentId(part) === name).body;
  }

  // MTOM. The signature is over the document with its content inline, as base64; what travels has an Include in its
  // place. The package cannot sign so; therefore the content is exchanged after the envelope was signed: in the order of
  // the attachments, each behind the one before, for two may be equal, and one the beginning of another.
  #included(contents) {
    this.signature.included = (envelope) => {
      let done = '';
      let rest = envelope;
      contents.forEach((content, index) => {
        const text = `>${content.toString('base64')}<`;
        const at = rest.indexOf(text);
        const include = `<xop:Include xmlns:xop="http://www.w3.org/2004/08/xop/include" href="cid:attachment-${index}@esdh.example"/>`;
        done += `${rest.slice(0, at + 1)}${include}`;
        rest = rest.slice(at + text.length - 1);
      });
      return done + rest;
    };
    if (contents.length === 0) return {};
    const attachments = contents.map((body, index) => ({
      mimetype: 'application/octet-stream',
      contentId: `attachment-${index}@esdh.example`,
      name: `attachment-${index}`,
      body,
    }));
    return { attachments };
  }
}

const firstOf = (pem) => pem.slice(0, pem.indexOf('-----END CERTIFICATE-----') + '-----END CERTIFICATE-----'.length);
