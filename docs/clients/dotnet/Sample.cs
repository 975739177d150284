// What a case system and a study administration system do with the gateway. Usage: SETTINGS COMMAND ARGUMENT...
//
//   ping
//   send DOCUMENT [inline|mtom FILE...]   a letter or a notice, typed; the gateway seals it
//   send-signed DOCUMENT                  one that the system has sealed itself
//   receive FOLDER                        everything that waits, stored in a folder
//   verify DOCUMENT...                    who sealed what was stored, and whether it is as it was sealed
//
// The port in the settings decides which of the two services is asked.
// The class Document is generated from the WSDL.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using System.Xml;
using System.Xml.Serialization;

namespace Dk.Bropost.Sample
{
    public static class Program
    {
        const string Usage = "SETTINGS ping | send DOCUMENT [inline|mtom FILE...] | send-signed DOCUMENT | receive FOLDER | verify DOCUMENT...";

        public static int Main(string[] arguments)
        {
            Console.OutputEncoding = new System.Text.UTF8Encoding(false);
            if (arguments.Length < 3 && !(arguments.Length == 2 && arguments[1] == "ping"))
            {
                Console.Error.WriteLine("Usage: sample.exe " + Usage);
                return 2;
            }
            var connection = new Connection(arguments[0]);
            try
            {
                switch (arguments[1])
                {
                    case "ping": Ping(connection); break;
                    case "send": Send(connection, arguments[2], arguments.Contains("mtom"), arguments.Skip(4).ToArray()); break;
                    case "send-signed": SendSigned(connection, arguments[2]); break;
                    case "receive": Receive(connection, arguments[2]); break;
                    case "verify": return Verify(connection, arguments.Skip(2));
                    default: throw new ArgumentException(Usage);
                }
            }
            catch (UnsignedFault fault)
            {
                foreach (string name in new[] { "Code", "CorrelationId", "Danish" })
                {
                    Tell("Unsigned" + name, Connection.Text(fault.Detail, name)); // nobody knows who says so
                }
                return 1;
            }
            catch (Refused refused)
            {
                Tell("Refused", refused.Message);
                Tell("Retryable", Connection.Text(refused.Detail, "Retryable"));
                Tell("Danish", Connection.Text(refused.Detail, "Danish"));
                foreach (XmlElement each in refused.Detail.GetElementsByTagName("Violation", Connection.Service))
                {
                    Tell("Violation", string.Join(" ", new[] { "Path", "Code", "Danish" }.Select(name => Connection.Text(each, name))));
                }
            }
            return 0;
        }

        static void Ping(Connection connection)
        {
            XmlElement answer = connection.Call("Ping", request => Connection.Add(request, "Echo", "Er der hul igennem? Æ, ø og å."));
            Tell("Echo", Connection.Text(answer, "Echo"));
            Tell("ClockSkewSeconds", Connection.Text(answer, "ClockSkewSeconds"));
        }

        static void Send(Connection connection, string document, bool mtom, string[] files)
        {
            var serializer = new XmlSerializer(typeof(Document), new XmlRootAttribute("Document") { Namespace = "urn:dk:bropost:document:1" });
            Document typed; // here from a file; a case system sets its properties
            using (FileStream file = File.OpenRead(document)) typed = (Document)serializer.Deserialize(file);
            Accepted(connection.Call(OperationFor(document), request =>
            {
                var names = new XmlSerializerNamespaces();
                names.Add("doc", "urn:dk:bropost:document:1"); // else it adds xsi and xsd
                using (XmlWriter writer = request.CreateNavigator().AppendChild())
                {
                    writer.WriteWhitespace(""); // else the serializer would begin a document
                    serializer.Serialize(writer, typed, names);
                }
                for (int number = 1; number <= files.Length; number++)
                {
                    XmlElement attachment = Connection.Add(request, "Attachment", null);
                    Connection.Add(attachment, "Number", number.ToString());
                    Connection.Add(attachment, "Content", Convert.ToBase64String(File.ReadAllBytes(files[number - 1])));
                }
            }, mtom));
        }

        static void SendSigned(Connection connection, string document)
        {
            string octets = Convert.ToBase64String(File.ReadAllBytes(document));
            Accepted(connection.Call(OperationFor(document), request => Connection.Add(request, "SignedDocument", octets)));
        }

        /// <summary>The operation that sends a document of this kind; both services have SendNotice.</summary>
        static string OperationFor(string document)
        {
            var read = new XmlDocument { XmlResolver = null };
            read.Load(document);
            string kind = read.DocumentElement.ChildNodes.OfType<XmlElement>().Skip(1).First().LocalName; // after the header
            return kind.EndsWith("Letter") ? "SendLetter" : "SendNotice";
        }

        static void Accepted(XmlElement answer)
        {
            Tell("DocumentId", Connection.Text(answer, "DocumentId"));
            Tell("State", Connection.Text(answer, "State"));
            Tell("SubmissionAcceptance", Hex(Convert.FromBase64String(Connection.Text(answer, "SubmissionAcceptance"))));
        }

        static void Receive(Connection connection, string folder)
        {
            string cursor = null;
            do
            {
                XmlElement page = connection.Call("ListInbox", request =>
                {
                    if (cursor != null) Connection.Add(request, "Cursor", cursor);
                });
                foreach (XmlElement item in page.GetElementsByTagName("Item", Connection.Service))
                {
                    ReceiveOne(connection, folder, Connection.Text(item, "DocumentId"));
                }
                cursor = XmlConvert.ToBoolean(Connection.Text(page, "More")) ? Connection.Text(page, "NextCursor") : null;
            }
            while (cursor != null);
        }

        static void ReceiveOne(Connection connection, string folder, string id)
        {
            XmlElement found = connection.Call("Retrieve", request => Connection.Add(request, "DocumentId", id), mtom: true);
            byte[] octets = Convert.FromBase64String(Connection.Text(found, "ExactOctets"));
            string sealedBy = ContentSignature.VerifySender(octets, connection.KnownSeal);
            File.WriteAllBytes(Path.Combine(folder, id + ".xml"), octets);
            var serializer = new XmlSerializer(typeof(Document), new XmlRootAttribute("Document") { Namespace = "urn:dk:bropost:document:1" });
            XmlElement view = MessageSignature.Child(found, "Document", "urn:dk:bropost:document:1");
            var document = (Document)serializer.Deserialize(new XmlNodeReader(view)); // the typed view
            Tell("DocumentId", id);
            Tell("SealedBy", sealedBy);
            Tell("Name", document.Header.Subject.Name);
            Tell("Digest", Hex(octets));
            foreach (XmlElement attachment in found.GetElementsByTagName("Attachment", Connection.Service))
            {
                string number = Connection.Text(attachment, "Number");
                byte[] content = Convert.FromBase64String(Connection.Text(attachment, "Content"));
                RequireListed(document, number, content);
                File.WriteAllBytes(Path.Combine(folder, id + "-" + number), content);
                Tell("Attachment", number + " " + Hex(content));
            }
            Tell("Confirmed", Connection.Text(connection.Call("ConfirmHandover", request =>
            {
                Connection.Add(request, "DocumentId", id);
                Connection.Add(request, "ContentDigest", Convert.ToBase64String(Sha256(octets))); // it is on disk
            }), "State"));
            Tell("Read", Connection.Text(connection.Call("RegisterRead", request =>
            {
                Connection.Add(request, "DocumentId", id);
                Connection.Add(request, "ReaderRole", connection.IsMunicipality ? "ORDER_CASEWORKER" : "STUDY_COUNSELLOR"); // a person opened it
                Connection.Add(request, "ReadAt", DateTime.UtcNow.ToString("yyyy-MM-ddTHH:mm:ssZ"));
            }), "State"));
        }

        /// <summary>Judges stored documents anew.</summary>
        static int Verify(Connection connection, IEnumerable<string> files)
        {
            int status = 0;
            foreach (string file in files)
            {
                try
                {
                    Tell("SealedBy", ContentSignature.VerifySender(File.ReadAllBytes(file), connection.KnownSeal));
                }
                catch (NotAsSealed error)
                {
                    Tell("NotAsSealed", error.Message);
                    status = 1;
                }
            }
            return status;
        }

        /// <summary>Refuses an attachment that is not the one that its document lists.</summary>
        static void RequireListed(Document document, string number, byte[] content)
        {
            var listed = document.Attachments.Single(each => each.Number.ToString() == number);
            if (!listed.Sha256.SequenceEqual(Sha256(content))) throw new CryptographicException("attachment " + number + " is another one");
        }

        static byte[] Sha256(byte[] octets)
        {
            using (SHA256 sha256 = SHA256.Create()) return sha256.ComputeHash(octets);
        }

        static string Hex(byte[] octets) => string.Concat(Sha256(octets).Select(each => each.ToString("x2")));

        static void Tell(string name, string value) => Console.WriteLine(name + ": " + value);
    }
}
