package dk.bropost.sample;

import jakarta.xml.soap.SOAPMessage;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.MessageDigest;
import java.security.cert.CertificateFactory;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Properties;
import javax.security.auth.callback.CallbackHandler;
import org.apache.cxf.binding.soap.SoapMessage;
import org.apache.cxf.binding.soap.interceptor.AbstractSoapInterceptor;
import org.apache.cxf.binding.soap.saaj.SAAJInInterceptor;
import org.apache.cxf.endpoint.Client;
import org.apache.cxf.phase.Phase;
import org.apache.cxf.ws.security.wss4j.DefaultCryptoCoverageChecker;
import org.apache.cxf.ws.security.wss4j.WSS4JInInterceptor;
import org.apache.cxf.ws.security.wss4j.WSS4JOutInterceptor;
import org.apache.wss4j.common.crypto.Merlin;
import org.apache.wss4j.common.ext.WSPasswordCallback;
import org.apache.wss4j.dom.handler.WSHandlerConstants;
import org.apache.wss4j.dom.handler.WSHandlerResult;
import org.apache.xml.security.Init;
import org.apache.xml.security.c14n.Canonicalizer;
import org.apache.xml.security.exceptions.XMLSecurityException;
import org.w3c.dom.Element;

/** Signs requests with a system's key, and lets no answer through that the gateway did not sign. */
final class MessageSignature {
    private static final String SOAP_11 = "http://schemas.xmlsoap.org/soap/envelope/";
    private static final String SOAP_12 = "http://www.w3.org/2003/05/soap-envelope";
    private static final String SERVICE = "urn:dk:bropost:service:1";
    private static final String DS = "http://www.w3.org/2000/09/xmldsig#";
    private static final String WSA = "http://www.w3.org/2005/08/addressing";
    private static final String WSU =
            "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";

    private byte[] requestDigest;
    private final Map<String, String> unsignedFault = new LinkedHashMap<>();

    /** What an unsigned fault said, if that came last: who made it is unknown, so do nothing by it. Else empty. */
    Map<String, String> unsignedFault() {
        return unsignedFault;
    }

    /** SHA-256 of the canonical SignedInfo of the last request: an answer names its request by it. */
    byte[] requestDigest() {
        return requestDigest;
    }

    /** Refuses an answer that belongs to another request. */
    void requireAnswer(byte[] named) {
        if (!Arrays.equals(named, requestDigest)) {
            throw new IllegalStateException("the answer belongs to another request");
        }
    }

    /** Signs what the client sends and checks what it receives. */
    void addTo(Client client, Settings settings) throws GeneralSecurityException, IOException {
        Init.init();
        client.getOutInterceptors().add(new WSS4JOutInterceptor(signing(settings)));
        client.getOutInterceptors().add(new RequestDigest());
        Map<String, Object> verifying = verifying(settings);
        client.getInInterceptors().add(new UnsignedFault());
        client.getInInterceptors().add(new WSS4JInInterceptor(verifying));
        DefaultCryptoCoverageChecker coverage = new DefaultCryptoCoverageChecker(); // in faults too
        coverage.setSignBody(true);
        coverage.setSignTimestamp(true);
        coverage.setSignAddressingHeaders(true);
        client.getInInterceptors().add(coverage);
    }

    /** The method for the system's key. */
    private static String method(Settings settings) throws GeneralSecurityException, IOException {
        KeyStore keys = KeyStore.getInstance(new File(settings.get("keystore")), settings.get("password").toCharArray());
        boolean isElliptic = keys.getCertificate(settings.get("alias")).getPublicKey().getAlgorithm().equals("EC");
        return "http://www.w3.org/2001/04/xmldsig-more#" + (isElliptic ? "ecdsa-sha256" : "rsa-sha256");
    }

    private static Map<String, Object> signing(Settings settings) throws GeneralSecurityException, IOException {
        Properties keys = new Properties();
        keys.put("org.apache.wss4j.crypto.provider", Merlin.class.getName());
        keys.put("org.apache.wss4j.crypto.merlin.keystore.type", "PKCS12");
        keys.put("org.apache.wss4j.crypto.merlin.keystore.file", settings.get("keystore"));
        keys.put("org.apache.wss4j.crypto.merlin.keystore.password", settings.get("password"));
        CallbackHandler password = callbacks -> ((WSPasswordCallback) callbacks[0]).setPassword(settings.get("password"));
        Map<String, Object> out = new HashMap<>();
        out.put(WSHandlerConstants.ACTION, "Timestamp Signature");
        out.put(WSHandlerConstants.TTL_TIMESTAMP, "300");
        out.put(WSHandlerConstants.USER, settings.get("alias"));
        out.put(WSHandlerConstants.PW_CALLBACK_REF, password);
        out.put(WSHandlerConstants.SIG_PROP_REF_ID, "keys");
        out.put("keys", keys);
        out.put(WSHandlerConstants.SIG_KEY_ID, "DirectReference");
        out.put(WSHandlerConstants.SIG_ALGO, method(settings)); // WSS4J's default is SHA-1
        out.put(WSHandlerConstants.SIG_DIGEST_ALGO, "http://www.w3.org/2001/04/xmlenc#sha256"); // and here
        out.put(WSHandlerConstants.SIGNATURE_PARTS, "{}{" + WSU + "}Timestamp;{}{" + settings.soap(SOAP_11, SOAP_12) + "}Body;");
        // Signed where they are sent: the addressing headers that the feature adds, and attachments beside the envelope.
        StringBuilder optional = new StringBuilder("{}cid:Attachments;");
        for (String name : new String[] {"To", "Action", "MessageID", "ReplyTo"}) {
            optional.append("{}{" + WSA + "}").append(name).append(';');
        }
        out.put(WSHandlerConstants.OPTIONAL_SIGNATURE_PARTS, optional.toString());
        return out;
    }

    /** Trusts the gateway's message certificate alone, as the operator gave it. */
    private static Map<String, Object> verifying(Settings settings) throws GeneralSecurityException, IOException {
        KeyStore trusted = KeyStore.getInstance("PKCS12");
        trusted.load(null, null);
        try (FileInputStream file = new FileInputStream(settings.get("gateway"))) {
            trusted.setCertificateEntry("gateway", CertificateFactory.getInstance("X.509").generateCertificate(file));
        }
        Merlin crypto = new Merlin();
        crypto.setTrustStore(trusted);
        Map<String, Object> in = new HashMap<>();
        in.put(WSHandlerConstants.ACTION, "Timestamp Signature");
        in.put(WSHandlerConstants.SIG_VER_PROP_REF_ID, "gateway");
        in.put("gateway", crypto);
        return in;
    }

    /** Keeps what a fault without a signature says, before WSS4J throws the whole of it away. */
    private final class UnsignedFault extends AbstractSoapInterceptor {
        UnsignedFault() {
            super(Phase.PRE_PROTOCOL);
            addBefore(WSS4JInInterceptor.class.getName());
        }

        @Override
        public void handleMessage(SoapMessage message) {
            unsignedFault.clear();
            SAAJInInterceptor.INSTANCE.handleMessage(message);
            SOAPMessage received = message.getContent(SOAPMessage.class);
            Element envelope = received.getSOAPPart().getDocumentElement();
            Element detail = (Element) envelope.getElementsByTagNameNS(SERVICE, "BropostFault").item(0);
            if (envelope.getElementsByTagNameNS(DS, "Signature").getLength() == 0 && detail != null) {
                for (String name : new String[] {"Code", "CorrelationId", "Danish"}) {
                    unsignedFault.put(name, detail.getElementsByTagNameNS(SERVICE, name).item(0).getTextContent());
                }
            }
        }
    }

    /** Keeps the digest of the SignedInfo that WSS4J has just made. */
    private final class RequestDigest extends AbstractSoapInterceptor {
        RequestDigest() {
            super(Phase.POST_PROTOCOL_ENDING);
        }

        @Override
        public void handleMessage(SoapMessage message) {
            SOAPMessage sent = message.getContent(SOAPMessage.class);
            Element signedInfo = (Element) sent.getSOAPPart().getElementsByTagNameNS(DS, "SignedInfo").item(0);
            Element method = (Element) signedInfo.getElementsByTagNameNS(DS, "CanonicalizationMethod").item(0);
            Element prefixes = (Element) method.getElementsByTagNameNS("*", "InclusiveNamespaces").item(0);
            ByteArrayOutputStream octets = new ByteArrayOutputStream();
            try {
                Canonicalizer canonicalizer = Canonicalizer.getInstance(method.getAttribute("Algorithm"));
                if (prefixes == null) {
                    canonicalizer.canonicalizeSubtree(signedInfo, octets);
                } else {
                    canonicalizer.canonicalizeSubtree(signedInfo, prefixes.getAttribute("PrefixList"), octets);
                }
                requestDigest = MessageDigest.getInstance("SHA-256").digest(octets.toByteArray());
            } catch (XMLSecurityException | GeneralSecurityException error) {
                throw new IllegalStateException(error);
            }
        }
    }
}
