// What a case system and a study administration system do with the gateway. Usage: SETTINGS COMMAND ARGUMENT...
//
//   ping
//   send DOCUMENT [inline|mtom FILE...]   a letter or a notice, typed; the gateway seals it
//   send-signed DOCUMENT                  one that the system has sealed itself
//   receive FOLDER                        everything that waits, stored in a folder
//   read DOCUMENT-ID ROLE                 a person with this role has opened it: never for a program to say
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
        const string Usage = "SETTINGS ping | send DOCUMENT [inline|mtom FILE...] | send-signed DOCUMENT | receive FOLDER | read DOCUMENT-ID ROLE | verify DOCUMENT...";

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
                    case "receive": return Receive(connection, arguments[2]) ? 0 : 1;
                    case "read": Read(connection, arguments[2], arguments[3]); break;
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
                TellRefusal(refused);
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

        /// <summary>Stores and confirms everything that waits; true if all was. What does not verify holds up nothing behind it.</summary>
        static bool Receive(Connection connection, string folder)
        {
            bool all = true;
            string cursor = null;
            do
            {
                XmlElement page = connection.Call("ListInbox", request =>
                {
                    if (cursor != null) Connection.Add(request, "Cursor", cursor);
                });
                foreach (XmlElement item in page.GetElementsByTagName("Item", Connection.Service))
                {
                    all &= IsReceived(connection, folder, Connection.Text(item, "DocumentId"));
                }
                cursor = XmlConvert.ToBoolean(Connection.Text(page, "More")) ? Connection.Text(page, "NextCursor") : null;
            }
            while (cursor != null);
            return all;
        }

        /// <summary>Stores and confirms one document, or says why not: then it waits on, and somebody must look into it.</summary>
        static bool IsReceived(Connection connection, string folder, string id)
        {
            Tell("DocumentId", id);
            try
            {
                ReceiveOne(connection, folder, id);
                return true;
            }
            catch (NotAsSealed error)
            {
                Tell("NotAsSealed", error.Message);
            }
            catch (Refused refused) // for one, it was withdrawn since it was listed
            {
                TellRefusal(refused);
            }
            return false;
        }

        static void ReceiveOne(Connection connection, string folder, string id)
        {
            XmlElement found = connection.Call("Retrieve", request => Connection.Add(request, "DocumentId", id), mtom: true);
            byte[] octets = Convert.FromBase64String(Connection.Text(found, "ExactOctets"));
            var contents = new Dictionary<string, byte[]>();
            foreach (XmlElement each in found.GetElementsByTagName("Attachment", Connection.Service))
            {
                contents[Connection.Text(each, "Number")] = Convert.FromBase64String(Connection.Text(each, "Content"));
            }
            Sealed document = ContentSignature.VerifySender(octets, connection.KnownSeals());
            document.RequireAsked(id, connection.Cvr, connection.UnitName, connection.Unit);
            document.RequireAttachments(contents);
            // Read this alone: the typed view in the answer is the gateway's word and no more. For a typed view that the sender
            // has sealed, give document.Document to an XmlSerializer.
            Tell("SealedBy", document.Sealer);
            Tell("Sender", document.Text("Header/Sender/Party/Name"));
            Tell("Name", document.Text("Header/Subject/Name"));
            Tell("Digest", Hex(octets));
            File.WriteAllBytes(Path.Combine(folder, id + ".xml"), octets);
            foreach (KeyValuePair<string, byte[]> each in contents)
            {
                File.WriteAllBytes(Path.Combine(folder, id + "-" + each.Key), each.Value);
                Tell("Attachment", each.Key + " " + Hex(each.Value));
            }
            Tell("Confirmed", Connection.Text(connection.Call("ConfirmHandover", request =>
            {
                Connection.Add(request, "DocumentId", id);
                Connection.Add(request, "ContentDigest", Convert.ToBase64String(Sha256(octets))); // it is on disk
            }), "State"));
        }

        /// <summary>Tells the sender that a person with this role has opened a document.</summary>
        static void Read(Connection connection, string id, string role)
        {
            Tell("Read", Connection.Text(connection.Call("RegisterRead", request =>
            {
                Connection.Add(request, "DocumentId", id);
                Connection.Add(request, "ReaderRole", role);
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
                    Tell("SealedBy", ContentSignature.VerifySender(File.ReadAllBytes(file), connection.KnownSeals()).Sealer);
                }
                catch (NotAsSealed error)
                {
                    Tell("NotAsSealed", error.Message);
                    status = 1;
                }
            }
            return status;
        }

        /// <summary>What the gateway's fault says.</summary>
        static void TellRefusal(Refused refused)
        {
            Tell("Refused", refused.Message);
            Tell("Retryable", Connection.Text(refused.Detail, "Retryable"));
            Tell("Danish", Connection.Text(refused.Detail, "Danish"));
            foreach (XmlElement each in refused.Detail.GetElementsByTagName("Violation", Connection.Service))
            {
                Tell("Violation", string.Join(" ", new[] { "Path", "Code", "Danish" }.Select(name => Connection.Text(each, name))));
            }
        }

        static byte[] Sha256(byte[] octets)
        {
            using (SHA256 sha256 = SHA256.Create()) return sha256.ComputeHash(octets);
        }

        static string Hex(byte[] octets) => string.Concat(Sha256(octets).Select(each => each.ToString("x2")));

        static void Tell(string name, string value) => Console.WriteLine(name + ": " + value);
    }
}
