package dk.bropost.sample;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.cert.CertPathValidator;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.PKIXParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import javax.naming.InvalidNameException;
import javax.naming.ldap.LdapName;
import javax.naming.ldap.Rdn;
import javax.xml.XMLConstants;
import javax.xml.crypto.MarshalException;
import javax.xml.crypto.dsig.CanonicalizationMethod;
import javax.xml.crypto.dsig.DigestMethod;
import javax.xml.crypto.dsig.Reference;
import javax.xml.crypto.dsig.SignedInfo;
import javax.xml.crypto.dsig.Transform;
import javax.xml.crypto.dsig.XMLSignature;
import javax.xml.crypto.dsig.XMLSignatureException;
import javax.xml.crypto.dsig.XMLSignatureFactory;
import javax.xml.crypto.dsig.dom.DOMValidateContext;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.xml.sax.SAXException;

/** Judges the content signature of a document that was retrieved: XAdES baseline B, enveloped, by the sender. */
final class ContentSignature {
    private static final String XADES = "http://uri.etsi.org/01903/v1.3.2#";
    private static final Duration CLOCK_SKEW = Duration.ofMinutes(5); // that the gateway allows, too
    private static final Duration MOST_BEFORE = Duration.ofDays(1); // it is sealed once it is written; for clocks that differ
    private static final Set<String> METHODS = Set.of(
            "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256");

    private ContentSignature() {}

    /** The document is not as its sender sealed it. */
    static final class NotAsSealed extends Exception {
        NotAsSealed(String what) {
            super(what);
        }
    }

    /**
     * What the sender that a document names has sealed.
     *
     * <p>Refuses it unless the signature holds, covers the whole document, and is by the organisation that the document names
     * as its sender, with a certificate that was trusted under one of the roots (PEM) when it was made. When that was, the
     * signer says. Revocation is not looked up: the gateway did that when the document came in.
     */
    static Sealed verifySender(byte[] octets, Path roots) throws IOException, GeneralSecurityException, NotAsSealed {
        try {
            Element signature = only(parse(octets).getDocumentElement(), XMLSignature.XMLNS, "Signature");
            Element data = only(only(signature, XMLSignature.XMLNS, "KeyInfo"), XMLSignature.XMLNS, "X509Data");
            List<X509Certificate> sent = certificates(data);
            X509Certificate leaf = sent.get(0);
            Element qualifying = only(only(signature, XMLSignature.XMLNS, "Object"), XADES, "QualifyingProperties");
            Element properties = only(qualifying, XADES, "SignedProperties");

            DOMValidateContext context = new DOMValidateContext(leaf.getPublicKey(), signature);
            context.setIdAttributeNS(properties, null, "Id");
            context.setProperty("javax.xml.crypto.dsig.cacheReference", true);
            XMLSignature signed = XMLSignatureFactory.getInstance("DOM").unmarshalXMLSignature(context);
            requireCovered(signed.getSignedInfo(), properties.getAttribute("Id"));
            require(signed.validate(context), "its signature does not hold");
            Reference whole = signed.getSignedInfo().getReferences().get(0);
            Element document = parse(whole.getDigestInputStream().readAllBytes()).getDocumentElement(); // what was signed
            Sealed sealed = new Sealed(document, subject(leaf).get("CN").toString());

            Element own = only(properties, XADES, "SignedSignatureProperties");
            requireNamed(own, leaf);
            Instant signedAt = time(only(own, XADES, "SigningTime").getTextContent());
            requirePossible(signedAt, time(sealed.text("Header/CreatedAt")));
            requireTrusted(sent, roots, signedAt);
            boolean isSender =
                    ("NTRDK-" + sealed.text("Header/Sender/Party/Cvr")).equals(subject(leaf).get("organizationIdentifier"));
            require(isSender, "another organisation than its sender has sealed it");
            return sealed;
        } catch (SAXException | MarshalException | XMLSignatureException | ParserConfigurationException | RuntimeException error) {
            // Whatever it is, it proves nothing, and others wait behind it.
            throw new NotAsSealed("it does not hold a content signature");
        }
    }

    /** SigningTime is the signer's word, so it must at least be possible. */
    private static void requirePossible(Instant signedAt, Instant createdAt) throws NotAsSealed {
        require(!signedAt.isAfter(Instant.now().plus(CLOCK_SKEW)), "its SigningTime lies in the future");
        require(!signedAt.isBefore(createdAt.minus(MOST_BEFORE)), "its SigningTime lies before it was written");
    }

    private static Instant time(String text) throws NotAsSealed {
        try {
            return OffsetDateTime.parse(text).toInstant();
        } catch (DateTimeParseException error) {
            throw new NotAsSealed("it has a time without a zone");
        }
    }

    /** What kind of document a file holds: the name of the element after its header. */
    static String kind(Path file) throws IOException, SAXException, ParserConfigurationException {
        return children(parse(Files.readAllBytes(file)).getDocumentElement()).get(1).getLocalName();
    }

    /** Two references: the document without its signature, and the signed properties of this signature. */
    private static void requireCovered(SignedInfo info, String properties) throws NotAsSealed {
        List<Reference> references = info.getReferences();
        require(
                METHODS.contains(info.getSignatureMethod().getAlgorithm())
                        && info.getCanonicalizationMethod().getAlgorithm().equals(CanonicalizationMethod.EXCLUSIVE)
                        && references.size() == 2
                        && covers(references.get(0), "", Transform.ENVELOPED, CanonicalizationMethod.EXCLUSIVE)
                        && covers(references.get(1), "#" + properties, CanonicalizationMethod.EXCLUSIVE),
                "its signature does not cover the document");
    }

    private static boolean covers(Reference reference, String uri, String... transforms) {
        List<String> found = reference.getTransforms().stream().map(Transform::getAlgorithm).toList();
        return reference.getURI().equals(uri)
                && found.equals(Arrays.asList(transforms))
                && reference.getDigestMethod().getAlgorithm().equals(DigestMethod.SHA256);
    }

    /** SigningCertificateV2 names the certificate by its digest. */
    private static void requireNamed(Element properties, X509Certificate leaf) throws GeneralSecurityException, NotAsSealed {
        Element signing = only(properties, XADES, "SigningCertificateV2");
        Element digest = only(only(only(signing, XADES, "Cert"), XADES, "CertDigest"), XMLSignature.XMLNS, "DigestValue");
        byte[] named = Base64.getMimeDecoder().decode(digest.getTextContent());
        byte[] found = MessageDigest.getInstance("SHA-256").digest(leaf.getEncoded());
        require(MessageDigest.isEqual(named, found), "another certificate has signed it");
    }

    private static Map<String, Object> subject(X509Certificate leaf) throws NotAsSealed {
        try {
            String name = leaf.getSubjectX500Principal().getName("RFC2253", Map.of("2.5.4.97", "organizationIdentifier"));
            return new LdapName(name).getRdns().stream().collect(Collectors.toMap(Rdn::getType, Rdn::getValue));
        } catch (InvalidNameException error) {
            throw new NotAsSealed("its certificate has no name");
        }
    }

    /** The certificates that came with the signature, its signer's first; nobody has vouched for them yet. */
    private static List<X509Certificate> certificates(Element data) throws NotAsSealed {
        List<X509Certificate> found = new ArrayList<>();
        try {
            CertificateFactory factory = CertificateFactory.getInstance("X.509");
            for (Element each : children(data, XMLSignature.XMLNS, "X509Certificate")) {
                byte[] octets = Base64.getMimeDecoder().decode(each.getTextContent());
                found.add((X509Certificate) factory.generateCertificate(new ByteArrayInputStream(octets)));
            }
        } catch (CertificateException error) {
            throw new NotAsSealed("it holds something else than a certificate");
        }
        require(!found.isEmpty(), "it holds no certificate");
        return found;
    }

    /** The first certificate leads to a root, by the others, and all were valid then. */
    private static void requireTrusted(List<X509Certificate> sent, Path roots, Instant at)
            throws IOException, GeneralSecurityException, NotAsSealed {
        CertificateFactory factory = CertificateFactory.getInstance("X.509");
        Set<TrustAnchor> anchors;
        try (InputStream file = Files.newInputStream(roots)) {
            anchors = factory.generateCertificates(file).stream()
                    .map(each -> new TrustAnchor((X509Certificate) each, null))
                    .collect(Collectors.toSet());
        }
        List<X509Certificate> path = sent.stream()
                .filter(each -> anchors.stream().noneMatch(anchor -> anchor.getTrustedCert().equals(each)))
                .toList();
        PKIXParameters parameters = new PKIXParameters(anchors);
        parameters.setRevocationEnabled(false);
        parameters.setDate(Date.from(at));
        try {
            CertPathValidator.getInstance("PKIX").validate(factory.generateCertPath(path), parameters);
        } catch (CertificateException | CertPathValidatorException error) {
            throw new NotAsSealed("its certificate was not trusted when it was made");
        }
    }

    private static Document parse(byte[] octets) throws SAXException, IOException, ParserConfigurationException {
        DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
        factory.setNamespaceAware(true);
        factory.setFeature(XMLConstants.FEATURE_SECURE_PROCESSING, true);
        factory.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
        return factory.newDocumentBuilder().parse(new ByteArrayInputStream(octets));
    }

    static Element only(Element parent, String namespace, String name) throws NotAsSealed {
        List<Element> found = children(parent, namespace, name);
        require(found.size() == 1, "it does not hold one " + name);
        return found.get(0);
    }

    static List<Element> children(Element parent, String namespace, String name) {
        return children(parent).stream()
                .filter(each -> namespace.equals(each.getNamespaceURI()) && name.equals(each.getLocalName()))
                .toList();
    }

    private static List<Element> children(Element parent) {
        return IntStream.range(0, parent.getChildNodes().getLength())
                .mapToObj(parent.getChildNodes()::item)
                .filter(each -> each.getNodeType() == Node.ELEMENT_NODE)
                .map(Element.class::cast)
                .toList();
    }

    static void require(boolean holds, String what) throws NotAsSealed {
        if (!holds) {
            throw new NotAsSealed(what);
        }
    }
}
