// What a sender sealed, and what it must be to stand for the document that was asked for.
using System;
using System.Collections.Generic;
using System.Linq;
using System.Security.Cryptography;
using System.Xml;

namespace Dk.Bropost.Sample
{
    /// <summary>What a sender sealed, read from what its signature covers.</summary>
    public sealed class Sealed
    {
        const string Namespace = "urn:dk:bropost:document:1";

        public Sealed(XmlElement document, string sealer)
        {
            Document = document;
            Sealer = sealer;
        }

        public XmlElement Document { get; }

        /// <summary>The common name of the certificate.</summary>
        public string Sealer { get; }

        /// <summary>The text of the one element at a path, "Header/DocumentId".</summary>
        public string Text(string path) => ContentSignature.Path(Document, Namespace, path.Split('/')).InnerText;

        /// <summary>Refuses it unless it has this id and is to this party: else a genuine document could stand in for another.</summary>
        public void RequireAsked(string documentId, string cvr, string unitName, string unit)
        {
            ContentSignature.Require(Text("Header/DocumentId") == documentId, "it is another document than the one asked for");
            ContentSignature.Require(
                Text("Header/Recipient/Party/Cvr") == cvr && Text("Header/Recipient/Party/" + unitName) == unit,
                "it is to another party");
        }

        /// <summary>Refuses it unless these, by number, are the attachments that the sender listed: no other, and none missing.</summary>
        public void RequireAttachments(IReadOnlyDictionary<string, byte[]> contents)
        {
            IEnumerable<string> listed = ContentSignature.Children(Document, "Attachments", Namespace)
                .SelectMany(list => ContentSignature.Children(list, "Attachment", Namespace))
                .Select(each => string.Join(" ", new[] { "Number", "Sha256" }.Select(
                    name => ContentSignature.Only(each, name, Namespace).InnerText)));
            using (SHA256 sha256 = SHA256.Create())
            {
                List<string> found = contents
                    .Select(each => each.Key + " " + Convert.ToBase64String(sha256.ComputeHash(each.Value))).ToList();
                bool isListed = listed.OrderBy(each => each).SequenceEqual(found.OrderBy(each => each));
                ContentSignature.Require(isListed, "its attachments are not those that its sender listed");
            }
        }
    }
}
