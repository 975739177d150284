// MTOM. The signature is over the document with its content inline, as base64; large content travels as parts.
using System;
using System.IO;
using System.Text;
using System.Xml;

namespace Dk.Bropost.Sample
{
    static class Mtom
    {
        const string Boundary = "bropost-sample-4f1d7c0a9e3b4d58"; // no document holds it
        const string Start = "envelope@esdh.example";
        const int Small = 1024; // characters of base64 that are left where they are

        public static string ContentType(bool is12, string action)
        {
            string info = is12 ? $"; start-info=\"application/soap+xml\"; action=\"{action}\"" : "; start-info=\"text/xml\"";
            return $"multipart/related; type=\"application/xop+xml\"; boundary=\"{Boundary}\"; start=\"<{Start}>\"{info}";
        }

        /// <summary>The message: the envelope, which was signed before, with large Content elements as parts.</summary>
        public static byte[] Write(XmlDocument envelope, bool is12)
        {
            using (var octets = new MemoryStream())
            {
                using (XmlDictionaryWriter writer = XmlDictionaryWriter.CreateMtomWriter(octets, new UTF8Encoding(false), int.MaxValue,
                    is12 ? "application/soap+xml" : "text/xml", Boundary, Start, writeMessageHeaders: false, ownsStream: false))
                {
                    Write(writer, envelope.DocumentElement);
                }
                return octets.ToArray();
            }
        }

        static void Write(XmlWriter writer, XmlElement element)
        {
            writer.WriteStartElement(element.Prefix, element.LocalName, element.NamespaceURI);
            foreach (XmlAttribute attribute in element.Attributes) attribute.WriteTo(writer);
            if (element.LocalName == "Content" && element.InnerText.Length > Small)
            {
                byte[] content = Convert.FromBase64String(element.InnerText);
                writer.WriteBase64(content, 0, content.Length);
            }
            else
            {
                foreach (XmlNode node in element.ChildNodes)
                {
                    if (node is XmlElement child) Write(writer, child);
                    else node.WriteTo(writer);
                }
            }
            writer.WriteEndElement();
        }

        /// <summary>Reads an answer as if its parts stood in it, which is what the gateway signed.</summary>
        public static XmlDictionaryReader Read(Stream stream, string contentType)
        {
            var quotas = new XmlDictionaryReaderQuotas { MaxStringContentLength = 40000000, MaxArrayLength = 40000000 };
            return XmlDictionaryReader.CreateMtomReader(stream, new Encoding[] { new UTF8Encoding(false) }, contentType, quotas, 40000000, null);
        }
    }
}
