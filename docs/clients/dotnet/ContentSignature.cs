// Judges the content signature of a document that was retrieved: XAdES baseline B, enveloped, by the sender.
// For .NET Framework 4.8, and for .NET 8 with the package System.Security.Cryptography.Xml.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Security.Cryptography.Xml;
using System.Xml;

namespace Dk.Bropost.Sample
{
    /// <summary>The document is not as its sender sealed it.</summary>
    public sealed class NotAsSealed : Exception
    {
        public NotAsSealed(string what) : base(what) { }
    }

    public static class ContentSignature
    {
        const string Xades = "http://uri.etsi.org/01903/v1.3.2#";
        const string RsaSha256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
        const string Sha256Method = "http://www.w3.org/2001/04/xmlenc#sha256";

        static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(5); // that the gateway allows, too
        static readonly TimeSpan MostBefore = TimeSpan.FromDays(1); // it is sealed once it is written; for clocks that differ

        /// <summary>What the sender that a document names has sealed.</summary>
        /// <remarks>
        /// Throws NotAsSealed unless the signature holds, covers the whole document, and is by the organisation that the document
        /// names as its sender, with one of the certificates that senders are known to seal with, which was valid when it was
        /// made. When that was, the signer says. Microsoft's runtimes can judge any certificate by its authority instead:
        /// X509Chain with the OCES3 root. Mono does not know RSASSA-PSS, by which those authorities sign.
        /// </remarks>
        public static Sealed VerifySender(byte[] octets, IEnumerable<X509Certificate2> known)
        {
            try
            {
                return Verified(octets, known);
            }
            catch (Exception error) when (!(error is NotAsSealed)) // whatever it is, it proves nothing, and others wait behind it
            {
                throw new NotAsSealed("it does not hold a content signature");
            }
        }

        static Sealed Verified(byte[] octets, IEnumerable<X509Certificate2> known)
        {
            var document = new XmlDocument { PreserveWhitespace = true, XmlResolver = null };
            using (var stream = new MemoryStream(octets)) document.Load(stream);
            XmlElement signature = Only(document.DocumentElement, "Signature", SignedXml.XmlDsigNamespaceUrl);
            XmlElement data = Path(signature, SignedXml.XmlDsigNamespaceUrl, "KeyInfo", "X509Data");
            byte[] sent = Convert.FromBase64String(Children(data, "X509Certificate", SignedXml.XmlDsigNamespaceUrl).First().InnerText);
            X509Certificate2 leaf = known.FirstOrDefault(each => each.RawData.SequenceEqual(sent));
            Require(leaf != null, "its certificate is not known");
            XmlElement properties = Path(
                Only(signature, "Object", SignedXml.XmlDsigNamespaceUrl), Xades, "QualifyingProperties", "SignedProperties");

            var signed = new SignedDocument(document, properties);
            signed.LoadXml(signature);
            RequireCovered(signed.SignedInfo, properties.GetAttribute("Id"));
            Require(signed.CheckSignature(leaf.GetRSAPublicKey()), "its signature does not hold");
            var found = new Sealed(Covered(document, signature), leaf.GetNameInfo(X509NameType.SimpleName, false));

            XmlElement own = Path(properties, Xades, "SignedSignatureProperties");
            XmlElement digest = Path(own, Xades, "SigningCertificateV2", "Cert", "CertDigest");
            string named = Only(digest, "DigestValue", SignedXml.XmlDsigNamespaceUrl).InnerText;
            using (SHA256 sha256 = SHA256.Create())
            {
                bool isNamed = Convert.FromBase64String(named).SequenceEqual(sha256.ComputeHash(leaf.RawData));
                Require(isNamed, "another certificate has signed it");
            }
            RequireTime(Time(Path(own, Xades, "SigningTime").InnerText), Time(found.Text("Header/CreatedAt")), leaf);
            string organisation = "2.5.4.97=NTRDK-" + found.Text("Header/Sender/Party/Cvr");
            bool isSender = leaf.SubjectName.Name.Split(',').Any(each => each.Trim().EndsWith(organisation));
            Require(isSender, "another organisation than its sender has sealed it");
            return found;
        }

        /// <summary>SigningTime is the signer's word, so it must at least be possible.</summary>
        static void RequireTime(DateTime signedAt, DateTime createdAt, X509Certificate2 leaf)
        {
            Require(signedAt <= DateTime.UtcNow + ClockSkew, "its SigningTime lies in the future");
            Require(signedAt >= createdAt - MostBefore, "its SigningTime lies before it was written");
            bool wasValid = leaf.NotBefore.ToUniversalTime() <= signedAt && signedAt <= leaf.NotAfter.ToUniversalTime();
            Require(wasValid, "its certificate was not valid when it was made");
        }

        static DateTime Time(string text) => XmlConvert.ToDateTimeOffset(text).UtcDateTime;

        /// <summary>What the first reference covers, as it was digested: without the signature and without comments.</summary>
        static XmlElement Covered(XmlDocument document, XmlElement signature)
        {
            signature.ParentNode.RemoveChild(signature);
            var canonical = new XmlDsigExcC14NTransform();
            canonical.LoadInput(document);
            var covered = new XmlDocument { PreserveWhitespace = true, XmlResolver = null };
            using (var stream = (Stream)canonical.GetOutput(typeof(Stream))) covered.Load(stream);
            return covered.DocumentElement;
        }

        /// <summary>Two references: the document without its signature, and the signed properties of this signature.</summary>
        static void RequireCovered(SignedInfo info, string properties)
        {
            List<Reference> references = info.References.Cast<Reference>().ToList();
            Require(
                info.SignatureMethod == RsaSha256 && info.CanonicalizationMethod == SignedXml.XmlDsigExcC14NTransformUrl
                    && references.Count == 2
                    && Covers(references[0], "", SignedXml.XmlDsigEnvelopedSignatureTransformUrl, SignedXml.XmlDsigExcC14NTransformUrl)
                    && Covers(references[1], "#" + properties, SignedXml.XmlDsigExcC14NTransformUrl),
                "its signature does not cover the document");
        }

        static bool Covers(Reference reference, string uri, params string[] transforms)
        {
            IEnumerable<string> found =
                Enumerable.Range(0, reference.TransformChain.Count).Select(number => reference.TransformChain[number].Algorithm);
            return (reference.Uri ?? "") == uri && reference.DigestMethod == Sha256Method && found.SequenceEqual(transforms);
        }

        internal static XmlElement Path(XmlElement start, string ns, params string[] names)
        {
            return names.Aggregate(start, (parent, name) => Only(parent, name, ns));
        }

        internal static XmlElement Only(XmlElement parent, string name, string ns)
        {
            List<XmlElement> found = Children(parent, name, ns).ToList();
            Require(found.Count == 1, "it does not hold one " + name);
            return found[0];
        }

        internal static IEnumerable<XmlElement> Children(XmlElement parent, string name, string ns)
        {
            return parent.ChildNodes.OfType<XmlElement>().Where(each => each.LocalName == name && each.NamespaceURI == ns);
        }

        internal static void Require(bool holds, string what)
        {
            if (!holds) throw new NotAsSealed(what);
        }

        /// <summary>Finds the signed properties where they stand, and nothing else.</summary>
        sealed class SignedDocument : SignedXml
        {
            readonly XmlElement properties;

            public SignedDocument(XmlDocument document, XmlElement properties) : base(document) { this.properties = properties; }

            public override XmlElement GetIdElement(XmlDocument document, string idValue)
            {
                return idValue == properties.GetAttribute("Id") ? properties : null;
            }
        }
    }
}
