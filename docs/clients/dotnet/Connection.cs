// A system connected to one of the two services, acting for one party.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Xml;

namespace Dk.Bropost.Sample
{
    /// <summary>The gateway refused a request; the detail was signed.</summary>
    public sealed class Refused : Exception
    {
        public Refused(XmlElement detail) : base(Connection.Text(detail, "Code")) { Detail = detail; }

        public XmlElement Detail { get; }
    }

    /// <summary>
    /// A connection, from a file of settings, a name and a value on each line: address and port of the service, keystore
    /// (PKCS#12) and password, gateway (its message certificate, PEM), seal.known (a folder with the certificates that other
    /// parties seal documents with, PEM), cvr and unit of the party; for development tls, the only server certificate to accept.
    /// </summary>
    public sealed class Connection
    {
        public const string Service = "urn:dk:bropost:service:1";
        const string Soap11 = "http://schemas.xmlsoap.org/soap/envelope/";
        const string Soap12 = "http://www.w3.org/2003/05/soap-envelope";

        readonly Dictionary<string, string> settings;
        readonly MessageSignature signature;
        readonly bool is12;

        public Connection(string file)
        {
            settings = File.ReadAllLines(file).Where(line => line.Contains("="))
                .ToDictionary(line => line.Substring(0, line.IndexOf('=')), line => line.Substring(line.IndexOf('=') + 1));
            is12 = settings["port"].EndsWith("Soap12");
            signature = new MessageSignature(
                new X509Certificate2(settings["keystore"], settings["password"]), new X509Certificate2(settings["gateway"]));
            ServicePointManager.SecurityProtocol = SecurityProtocolType.Tls12;
            if (settings.TryGetValue("tls", out string accepted))
            {
                byte[] only = new X509Certificate2(accepted).RawData;
                ServicePointManager.ServerCertificateValidationCallback =
                    (sender, certificate, chain, errors) => certificate.GetRawCertData().SequenceEqual(only);
            }
        }

        public bool IsMunicipality => settings["port"].StartsWith("Municipality");

        public string Cvr => settings["cvr"];

        /// <summary>The element that holds the unit of a party of this service.</summary>
        public string UnitName => IsMunicipality ? "MunicipalityCode" : "InstitutionNumber";

        public string Unit => settings["unit"];

        /// <summary>The certificates with which other parties seal documents, one in a file.</summary>
        public List<X509Certificate2> KnownSeals()
        {
            return Directory.GetFiles(settings["seal.known"], "*.pem").Select(file => new X509Certificate2(file)).ToList();
        }

        /// <summary>Calls an operation, and returns its answer once it has proved to be the gateway's, and to this request.</summary>
        /// <remarks>By MTOM large attachments travel as parts, in the request and in the answer.</remarks>
        public XmlElement Call(string operation, Action<XmlElement> write, bool mtom = false)
        {
            var envelope = new XmlDocument { PreserveWhitespace = true };
            string soap = is12 ? Soap12 : Soap11;
            XmlElement root = (XmlElement)envelope.AppendChild(envelope.CreateElement("s", "Envelope", soap));
            root.AppendChild(envelope.CreateElement("s", "Header", soap));
            XmlElement body = (XmlElement)root.AppendChild(envelope.CreateElement("s", "Body", soap));
            XmlElement request = (XmlElement)body.AppendChild(envelope.CreateElement(operation, Service));
            Add(Add(request, "OnBehalfOf", null), "Cvr", Cvr);
            Add((XmlElement)request.FirstChild, UnitName, Unit);
            write(request);
            signature.Sign(envelope);
            XmlDocument answer = Post(operation, envelope, mtom);
            XmlElement signed = signature.Verify(answer); // all that is read from here on
            XmlElement found = MessageSignature.Fault(signed);
            XmlElement payload = signed.ChildNodes.OfType<XmlElement>().First();
            XmlElement named = found ?? MessageSignature.Child(payload, "Answer", Service);
            signature.RequireAnswer(Convert.FromBase64String(Text(named, "RequestDigest")));
            if (found != null) throw new Refused(found);
            return payload;
        }

        /// <summary>Adds an element of the service's namespace.</summary>
        public static XmlElement Add(XmlElement parent, string name, string text)
        {
            XmlElement added = (XmlElement)parent.AppendChild(parent.OwnerDocument.CreateElement(name, Service));
            if (text != null) added.InnerText = text;
            return added;
        }

        /// <summary>The text of the first child of this name.</summary>
        public static string Text(XmlElement parent, string name)
        {
            return MessageSignature.Child(parent, name, Service)?.InnerText;
        }

        XmlDocument Post(string operation, XmlDocument envelope, bool mtom)
        {
            // .NET 8: HttpClient instead; the octets are the same. What was signed must be sent without new white space.
            var request = (HttpWebRequest)WebRequest.Create(settings["address"]);
            request.Method = "POST";
            request.Proxy = null;
            string action = Service + "/" + operation;
            request.ContentType = is12 ? $"application/soap+xml; charset=utf-8; action=\"{action}\"" : "text/xml; charset=utf-8";
            if (!is12) request.Headers["SOAPAction"] = $"\"{action}\"";
            if (mtom) request.ContentType = Mtom.ContentType(is12, action);
            byte[] octets = mtom ? Mtom.Write(envelope, is12) : Encoding.UTF8.GetBytes(envelope.OuterXml);
            using (Stream stream = request.GetRequestStream()) stream.Write(octets, 0, octets.Length);
            HttpWebResponse response;
            try
            {
                response = (HttpWebResponse)request.GetResponse();
            }
            catch (WebException error) when (error.Response is HttpWebResponse fault)
            {
                response = fault; // a fault comes with status 500
            }
            using (response)
            using (Stream stream = response.GetResponseStream())
            {
                var answer = new XmlDocument { PreserveWhitespace = true, XmlResolver = null };
                if (response.ContentType.StartsWith("multipart/related"))
                {
                    using (XmlDictionaryReader reader = Mtom.Read(stream, response.ContentType)) answer.Load(reader);
                }
                else
                {
                    answer.Load(stream);
                }
                return answer;
            }
        }
    }
}
