// Signs requests with a system's key, and believes no answer that the gateway did not sign.
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
    /// <summary>A fault without a signature: who made it is unknown, so look into it, and do nothing by it.</summary>
    /// <remarks>So the gateway answers a message whose own signature, certificate or time does not hold.</remarks>
    public sealed class UnsignedFault : CryptographicException
    {
        public UnsignedFault(XmlElement detail) : base("an unsigned fault: do not act on it") { Detail = detail; }

        public XmlElement Detail { get; }
    }

    public sealed class MessageSignature
    {
        const string Oasis = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-";
        public const string Wsse = Oasis + "wssecurity-secext-1.0.xsd";
        public const string Wsu = Oasis + "wssecurity-utility-1.0.xsd";
        const string X509 = Oasis + "x509-token-profile-1.0#X509v3";
        const string Base64 = Oasis + "soap-message-security-1.0#Base64Binary";
        const string RsaSha256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
        const string Sha256Method = "http://www.w3.org/2001/04/xmlenc#sha256";

        readonly X509Certificate2 system;
        readonly X509Certificate2 gateway;

        /// <summary>The system's certificate with its key, and the gateway's message certificate, which alone is trusted.</summary>
        public MessageSignature(X509Certificate2 system, X509Certificate2 gateway)
        {
            this.system = system;
            this.gateway = gateway;
        }

        /// <summary>SHA-256 of the canonical SignedInfo of the last request: an answer names its request by it.</summary>
        public byte[] RequestDigest { get; private set; }

        /// <summary>Adds a Security header that signs Body and Timestamp. The envelope keeps its white space.</summary>
        public void Sign(XmlDocument envelope)
        {
            string soap = envelope.DocumentElement.NamespaceURI;
            XmlElement body = Child(envelope.DocumentElement, "Body", soap);
            XmlElement header = Child(envelope.DocumentElement, "Header", soap);
            if (header == null)
            {
                header = envelope.CreateElement("s", "Header", soap);
                envelope.DocumentElement.InsertBefore(header, body);
            }
            XmlElement security = Append(header, "wsse", "Security", Wsse);
            XmlAttribute must = envelope.CreateAttribute("s", "mustUnderstand", soap);
            must.Value = "1";
            security.Attributes.Append(must);
            XmlElement token = Append(security, "wsse", "BinarySecurityToken", Wsse);
            token.SetAttribute("ValueType", X509);
            token.SetAttribute("EncodingType", Base64);
            token.InnerText = Convert.ToBase64String(system.RawData);
            XmlElement timestamp = Append(security, "wsu", "Timestamp", Wsu);
            DateTime now = DateTime.UtcNow;
            Append(timestamp, "wsu", "Created", Wsu).InnerText = now.ToString("yyyy-MM-ddTHH:mm:ssZ");
            Append(timestamp, "wsu", "Expires", Wsu).InnerText = now.AddMinutes(5).ToString("yyyy-MM-ddTHH:mm:ssZ");

            var signed = new SignedMessage(envelope) { SigningKey = system.GetRSAPrivateKey() };
            signed.SignedInfo.CanonicalizationMethod = SignedXml.XmlDsigExcC14NTransformUrl;
            signed.SignedInfo.SignatureMethod = RsaSha256; // .NET Framework before 4.7.2 would take SHA-1
            foreach (XmlElement element in new[] { body, timestamp })
            {
                var reference = new Reference("#" + Name(element)) { DigestMethod = Sha256Method };
                reference.AddTransform(new XmlDsigExcC14NTransform());
                signed.AddReference(reference);
            }
            XmlElement tokenReference = envelope.CreateElement("wsse", "SecurityTokenReference", Wsse);
            XmlElement direct = Append(tokenReference, "wsse", "Reference", Wsse);
            direct.SetAttribute("URI", "#" + Name(token));
            direct.SetAttribute("ValueType", X509);
            signed.KeyInfo.AddClause(new KeyInfoNode(tokenReference));
            signed.ComputeSignature();
            XmlElement signature = (XmlElement)envelope.ImportNode(signed.GetXml(), true);
            security.AppendChild(signature);
            RequestDigest = Digest(Child(signature, "SignedInfo", SignedXml.XmlDsigNamespaceUrl));
        }

        /// <summary>The Body of an answer; nothing else of it may be read.</summary>
        /// <remarks>Throws unless the gateway signed Body and Timestamp, of faults too, and the answer is of now.</remarks>
        public XmlElement Verify(XmlDocument answer)
        {
            XmlElement root = answer.DocumentElement;
            XmlElement body = Child(root, "Body", root.NamespaceURI);
            XmlElement security = Child(Child(root, "Header", root.NamespaceURI), "Security", Wsse);
            XmlElement signature = Child(security, "Signature", SignedXml.XmlDsigNamespaceUrl);
            if (signature == null)
            {
                XmlElement detail = Fault(body);
                throw detail == null ? new CryptographicException("the answer is not signed") : new UnsignedFault(detail);
            }
            var signed = new SignedMessage(answer);
            signed.LoadXml(signature);
            if (signed.SignatureMethod != RsaSha256 || !signed.CheckSignature(gateway.GetRSAPublicKey()))
            {
                throw new CryptographicException("the answer's signature does not hold");
            }
            XmlElement timestamp = Child(security, "Timestamp", Wsu);
            List<string> uris = signed.SignedInfo.References.Cast<Reference>().Select(each => each.Uri).ToList();
            foreach (XmlElement element in new[] { body, timestamp })
            {
                if (element == null || !uris.Contains("#" + element.GetAttribute("Id", Wsu)))
                {
                    throw new CryptographicException("the answer's Body or Timestamp is not signed");
                }
            }
            if (XmlConvert.ToDateTime(Child(timestamp, "Expires", Wsu).InnerText, XmlDateTimeSerializationMode.Utc) < DateTime.UtcNow)
            {
                throw new CryptographicException("the answer has expired");
            }
            return body;
        }

        /// <summary>The detail of the fault that a Body holds, or null.</summary>
        public static XmlElement Fault(XmlElement body)
        {
            XmlElement fault = Child(body, "Fault", body?.NamespaceURI);
            XmlElement detail = Child(fault, "detail", "") ?? Child(fault, "Detail", body?.NamespaceURI);
            return Child(detail, "BropostFault", Connection.Service);
        }

        /// <summary>Throws if an answer or a fault names another request than the last one.</summary>
        public void RequireAnswer(byte[] named)
        {
            if (!named.SequenceEqual(RequestDigest)) throw new CryptographicException("the answer belongs to another request");
        }

        /// <summary>The first child of this name, or null.</summary>
        public static XmlElement Child(XmlElement parent, string name, string ns)
        {
            return parent?.ChildNodes.OfType<XmlElement>().FirstOrDefault(each => each.LocalName == name && each.NamespaceURI == ns);
        }

        static XmlElement Append(XmlElement parent, string prefix, string name, string ns)
        {
            return (XmlElement)parent.AppendChild(parent.OwnerDocument.CreateElement(prefix, name, ns));
        }

        /// <summary>Gives an element a wsu:Id of its own.</summary>
        static string Name(XmlElement element)
        {
            XmlAttribute id = element.OwnerDocument.CreateAttribute("wsu", "Id", Wsu);
            id.Value = "id-" + Guid.NewGuid().ToString("N");
            element.Attributes.Append(id);
            return id.Value;
        }

        static byte[] Digest(XmlElement signedInfo)
        {
            var alone = new XmlDocument { PreserveWhitespace = true };
            alone.LoadXml(signedInfo.OuterXml);
            var canonical = new XmlDsigExcC14NTransform();
            canonical.LoadInput(alone);
            using (var octets = (Stream)canonical.GetOutput(typeof(Stream)))
            using (var sha256 = SHA256.Create())
            {
                return sha256.ComputeHash(octets);
            }
        }

        /// <summary>Finds what references name by wsu:Id, which must be there once.</summary>
        sealed class SignedMessage : SignedXml
        {
            public SignedMessage(XmlDocument document) : base(document) { }

            public override XmlElement GetIdElement(XmlDocument document, string idValue)
            {
                List<XmlElement> found = document.GetElementsByTagName("*").OfType<XmlElement>()
                    .Where(each => each.GetAttribute("Id", Wsu) == idValue).ToList();
                if (found.Count != 1) throw new CryptographicException("a reference does not name one element");
                return found[0];
            }
        }
    }
}
