#include "s3/src/protocol/xml.hpp"

#include <gtest/gtest.h>
#include <string>

namespace ringpull::s3 {
namespace {

XmlDocument document(std::string_view text) {
  auto parsed = XmlDocument::parse(text);
  EXPECT_TRUE(parsed) << parsed.error().message();
  return std::move(*parsed);
}

ErrorKind failure_of(std::string_view text) {
  auto parsed = XmlDocument::parse(text);
  return parsed ? ErrorKind::internal : parsed.error().kind();
}

constexpr std::string_view kDeclaration = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
TEST(Xml, ReadsAPageOfListObjectsV2) {
  auto page = read_list_objects_v2(document(R"(<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
  <Name>quotes</Name><Prefix>N</Prefix><KeyCount>2</KeyCount><MaxKeys>2</MaxKeys>
  <IsTruncated>true</IsTruncated><NextContinuationToken>1ueGcxLPRx1Tr/XYExHnhbYLgveDs2J/wm36Hy4vbOwM=</NextContinuationToken>
  <Contents><Key>Nelson</Key><LastModified>2009-10-12T17:50:30.000Z</LastModified>
    <ETag>"828ef3fdfa96f00ad9f27c383fc9ac7f"</ETag><Size>5</Size><StorageClass>STANDARD</StorageClass></Contents>
  <Contents><Key>Neo &amp; &lt;Trinity&gt;</Key><Size>18446744073709551615</Size></Contents>
  <CommonPrefixes><Prefix>Names/</Prefix></CommonPrefixes>
</ListBucketResult>)"));
  ASSERT_TRUE(page) << page.error().message();
  ASSERT_EQ(page->objects.size(), 2u);
  EXPECT_EQ(page->objects[0].key, ObjectKey("Nelson"));
  EXPECT_EQ(page->objects[0].size_bytes, 5u);
  EXPECT_EQ(page->objects[0].etag.str(), "828ef3fdfa96f00ad9f27c383fc9ac7f");
  EXPECT_EQ(page->objects[0].last_modified->time_since_epoch().count(), 1255369830);
  EXPECT_EQ(page->objects[1].key, ObjectKey("Neo & <Trinity>"));
  EXPECT_EQ(page->objects[1].size_bytes, UINT64_MAX);
  EXPECT_EQ(page->common_prefixes, std::vector<std::string>{"Names/"});
  EXPECT_TRUE(page->truncated);
  EXPECT_EQ(page->next_continuation_token, "1ueGcxLPRx1Tr/XYExHnhbYLgveDs2J/wm36Hy4vbOwM=");
}

TEST(Xml, DecodesKeysOnlyWhereTheServerSaysThatTheyAreEncoded) {
  constexpr std::string_view kBody =
      "<Contents><Key>a+b%20c%2Bd%C3%A9%01%</Key><Size>0</Size></Contents>"
      "<CommonPrefixes><Prefix>p%2Fq+</Prefix></CommonPrefixes></ListBucketResult>";
  auto encoded = read_list_objects_v2(
      document("<ListBucketResult><EncodingType>url</EncodingType>" + std::string(kBody)));
  ASSERT_TRUE(encoded);
  EXPECT_EQ(encoded->objects[0].key.str(), "a b c+d\xc3\xa9\x01%");
  EXPECT_EQ(encoded->common_prefixes[0], "p/q ");
  auto plain = read_list_objects_v2(document("<ListBucketResult>" + std::string(kBody)));
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->objects[0].key.str(), "a+b%20c%2Bd%C3%A9%01%");
  EXPECT_EQ(plain->common_prefixes[0], "p%2Fq+");
}

TEST(Xml, RefusesListsThatCannotBeRight) {
  auto fails = [](std::string_view inner) {
    auto page = read_list_objects_v2(
        document("<ListBucketResult>" + std::string(inner) + "</ListBucketResult>"));
    return !page && page.error().is(ErrorKind::protocol);
  };
  EXPECT_TRUE(fails("<IsTruncated>true</IsTruncated>")) << "no token";
  EXPECT_TRUE(fails("<Contents><Key></Key><Size>1</Size></Contents>"));
  EXPECT_TRUE(fails("<Contents><Key>k</Key></Contents>")) << "no size";
  EXPECT_TRUE(fails("<Contents><Key>k</Key><Size>-1</Size></Contents>"));
  EXPECT_TRUE(fails("<Contents><Key>k</Key><Size>18446744073709551616</Size></Contents>"));
  auto other = read_list_objects_v2(document("<ListPartsResult/>"));
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().kind(), ErrorKind::protocol);
}

// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjects.html
TEST(Xml, ReadsAPageOfListObjectsAndFindsItsMarker) {
  auto page = [](std::string_view inner) {
    return read_list_objects(
        document("<ListBucketResult><Marker/>" + std::string(inner) + "</ListBucketResult>"));
  };
  constexpr std::string_view kTwo =
      "<Contents><Key>a</Key><Size>1</Size></Contents><Contents><Key>c</Key><Size>2</Size>"
      "</Contents><IsTruncated>true</IsTruncated>";
  auto keys = page(kTwo);
  ASSERT_TRUE(keys) << keys.error().message();
  ASSERT_EQ(keys->objects.size(), 2u);
  EXPECT_EQ(keys->objects[1].size_bytes, 2u);
  EXPECT_TRUE(keys->truncated);
  EXPECT_EQ(keys->next_marker, "c") << "without a delimiter S3 names none";
  auto grouped = page(std::string(kTwo) + "<CommonPrefixes><Prefix>d/</Prefix></CommonPrefixes>");
  EXPECT_EQ(grouped->next_marker, "d/");
  auto named = page(std::string(kTwo) +
                    "<EncodingType>url</EncodingType><NextMarker>c%20d"
                    "</NextMarker>");
  EXPECT_EQ(named->next_marker, "c d");
  auto last = page("<NextMarker>c</NextMarker><IsTruncated>false</IsTruncated>");
  ASSERT_TRUE(last);
  EXPECT_FALSE(last->truncated);
  auto lost = page("<IsTruncated>true</IsTruncated>");
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().kind(), ErrorKind::protocol);
}

TEST(Xml, NoticesAServerThatTakesListObjectsV2ForListObjects) {
  auto old = read_list_objects_v2(document(
      "<ListBucketResult><Marker></Marker><IsTruncated>false</IsTruncated></ListBucketResult>"));
  ASSERT_FALSE(old);
  EXPECT_EQ(old.error().kind(), ErrorKind::unsupported);
}

TEST(Xml, ReadsListPartsWithChecksums) {
  auto page = read_list_parts(document(R"(<ListPartsResult>
    <UploadId>u</UploadId><NextPartNumberMarker>3</NextPartNumberMarker><IsTruncated>true</IsTruncated>
    <Part><PartNumber>2</PartNumber><LastModified>2010-11-10T20:48:34.000Z</LastModified>
      <ETag>"7778aef83f66abc1fa1e8477f296d394"</ETag><Size>10485760</Size>
      <ChecksumCRC64NVME>rosUhgp5mIg=</ChecksumCRC64NVME></Part>
    <Part><PartNumber>3</PartNumber><ETag>aaaa18db4cc2f85cedef654fccc4a4x8</ETag><Size>1</Size></Part>
    </ListPartsResult>)"));
  ASSERT_TRUE(page) << page.error().message();
  ASSERT_EQ(page->parts.size(), 2u);
  EXPECT_EQ(page->parts[0].number, PartNumber(2));
  EXPECT_EQ(page->parts[0].size_bytes, 10485760u);
  ASSERT_EQ(page->parts[0].checksums.size(), 1u);
  EXPECT_EQ(page->parts[0].checksums[0].base64, "rosUhgp5mIg=");
  EXPECT_EQ(page->parts[1].etag.quoted(), "\"aaaa18db4cc2f85cedef654fccc4a4x8\"");
  EXPECT_EQ(page->next_part_number_marker, 3u);
}

TEST(Xml, ListPartsWithoutAMarkerGoesOnAfterItsLastPart) {
  auto page = read_list_parts(
      document("<ListPartsResult><IsTruncated>true</IsTruncated><Part><PartNumber>7</PartNumber>"
               "<ETag>e</ETag><Size>1</Size></Part></ListPartsResult>"));
  ASSERT_TRUE(page) << page.error().message();
  EXPECT_EQ(page->next_part_number_marker, 7u);
}

TEST(Xml, RefusesPartsOutOfRangeOrWithoutETag) {
  for (std::string_view part : {"<PartNumber>0</PartNumber><ETag>e</ETag><Size>1</Size>",
                                "<PartNumber>10001</PartNumber><ETag>e</ETag><Size>1</Size>",
                                "<PartNumber>1</PartNumber><Size>1</Size>"}) {
    auto page = read_list_parts(
        document("<ListPartsResult><Part>" + std::string(part) + "</Part></ListPartsResult>"));
    EXPECT_FALSE(page) << part;
  }
}

TEST(Xml, ReadsListMultipartUploads) {
  auto page = read_list_multipart_uploads(document(R"(<ListMultipartUploadsResult>
    <EncodingType>url</EncodingType><NextKeyMarker>my+movie.m2ts</NextKeyMarker>
    <NextUploadIdMarker>YW55+IGlk</NextUploadIdMarker><IsTruncated>true</IsTruncated>
    <Upload><Key>my+divisor</Key><UploadId>XMgbGlrZSBl</UploadId><Initiated>2010-11-10T20:48:33.000Z</Initiated></Upload>
    </ListMultipartUploadsResult>)"));
  ASSERT_TRUE(page) << page.error().message();
  EXPECT_EQ(page->uploads[0].key, ObjectKey("my divisor"));
  EXPECT_EQ(page->uploads[0].upload_id, UploadId("XMgbGlrZSBl"));
  EXPECT_EQ(page->next_key_marker, "my movie.m2ts");
  EXPECT_EQ(page->next_upload_id_marker, "YW55+IGlk");
}

TEST(Xml, ReadsTheMultipartAnswersWithAndWithoutQuotedETags) {
  auto created = read_create_multipart_upload(
      document("<InitiateMultipartUploadResult><Bucket>b</Bucket><Key>k</Key>"
               "<UploadId>VXBsb2Fk</UploadId></InitiateMultipartUploadResult>"));
  ASSERT_TRUE(created);
  EXPECT_EQ(created->upload_id, UploadId("VXBsb2Fk"));
  auto completed = read_complete_multipart_upload(document(
      "<CompleteMultipartUploadResult><ETag>&quot;3858f62230ac3c915f300c664312c11f-9&quot;</ETag>"
      "<ChecksumSHA256>abc=-9</ChecksumSHA256></CompleteMultipartUploadResult>"));
  ASSERT_TRUE(completed);
  EXPECT_EQ(completed->etag.str(), "3858f62230ac3c915f300c664312c11f-9");
  EXPECT_TRUE(completed->checksums[0].composite);
  auto silent = read_complete_multipart_upload(
      document("<CompleteMultipartUploadResult><ETag/></CompleteMultipartUploadResult>"));
  ASSERT_TRUE(silent) << "as radosgw answers";
  EXPECT_TRUE(silent->etag.empty());
  auto copied = read_copy_object(
      document("<CopyObjectResult><LastModified>2009-10-28T22:32:00.000Z</LastModified>"
               "<ETag>9b2cf535f27731c974343645a3985328</ETag></CopyObjectResult>"));
  ASSERT_TRUE(copied);
  EXPECT_EQ(copied->etag.quoted(), "\"9b2cf535f27731c974343645a3985328\"");
  auto part =
      read_upload_part_copy(document("<CopyPartResult><ETag>\"9b2c\"</ETag></CopyPartResult>"));
  ASSERT_TRUE(part);
  EXPECT_EQ(part->etag.str(), "9b2c");
}

TEST(Xml, AnswersWithoutTheirOnePointAreRefused) {
  EXPECT_FALSE(read_create_multipart_upload(document("<InitiateMultipartUploadResult/>")));
  EXPECT_FALSE(read_complete_multipart_upload(document("<CompleteMultipartUploadResult/>")));
  EXPECT_FALSE(read_copy_object(document("<CopyObjectResult/>")));
  EXPECT_FALSE(read_upload_part_copy(document("<CopyPartResult/>")));
}

TEST(Xml, ReadsTheFailuresOfDeleteObjects) {
  auto failures = read_delete_objects(document(
      "<DeleteResult><Deleted><Key>a</Key></Deleted><Error><Key>b</Key><Code>AccessDenied</Code>"
      "<Message/></Error></DeleteResult>"));
  ASSERT_TRUE(failures);
  ASSERT_EQ(failures->size(), 1u);
  EXPECT_EQ(failures->front().key, "b");
  EXPECT_EQ(failures->front().code, "AccessDenied");
}

TEST(Xml, WritesBodiesThatItsOwnParserReadsBack) {
  CompletedPart part(PartNumber(3), ETag("\"e\""));
  part.checksum = ObjectChecksum(ChecksumAlgorithm::crc64nvme, "rosUhgp5mIg=");
  EXPECT_EQ(write_complete_multipart_upload(std::vector<CompletedPart>{part}),
            "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
            "<Part><PartNumber>3</PartNumber><ETag>\"e\"</ETag>"
            "<ChecksumCRC64NVME>rosUhgp5mIg=</ChecksumCRC64NVME></Part>"
            "</CompleteMultipartUpload>");
  std::vector<ObjectKey> keys = {ObjectKey("a&b<c>"), ObjectKey(" blanks kept "),
                                 ObjectKey("\xc3\xa9")};
  XmlDocument back = document(write_delete_objects(keys));
  std::size_t index = 0;
  for (pugi::xml_node node : back.root().children("Object")) {
    EXPECT_EQ(node.child_value("Key"), keys.at(index++).str());
  }
  EXPECT_EQ(index, 3u);
}

TEST(Xml, RefusesDoctypesAndKnowsCutDocumentsFromOtherThings) {
  EXPECT_EQ(failure_of("<!DOCTYPE lolz [<!ENTITY lol \"lol\"><!ENTITY lol2 \"&lol;&lol;\">]>"
                       "<Error><Code>&lol2;</Code></Error>"),
            ErrorKind::protocol);
  EXPECT_EQ(failure_of(""), ErrorKind::truncated);
  EXPECT_EQ(failure_of(" \r\n \n"), ErrorKind::truncated);
  EXPECT_EQ(failure_of(std::string(kDeclaration) + "<CopyObjectResult><ETag>\"ab"),
            ErrorKind::truncated);
  EXPECT_EQ(failure_of("<html><body><p>Bad gateway<br></body></html>"), ErrorKind::protocol);
  EXPECT_EQ(failure_of("upstream connect error"), ErrorKind::protocol);
  EXPECT_EQ(failure_of(std::string(kXmlBytesMax + 1, ' ') + "<a/>"), ErrorKind::protocol);
}

TEST(Xml, TakesTheBlanksThatKeepASlowAnswerAlive) {
  auto parsed = XmlDocument::parse("\n \n  \n" + std::string(kDeclaration) + "<CopyPartResult/>");
  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_EQ(parsed->root_name(), "CopyPartResult");
}

TEST(Xml, SurvivesDeepNesting) {
  std::string deep;
  for (int i = 0; i < 200'000; ++i) deep += "<a>";
  EXPECT_EQ(failure_of(deep), ErrorKind::protocol);
}

TEST(Iso8601, ReadsS3sFormOnly) {
  EXPECT_EQ(parse_iso8601("1970-01-02T00:00:01.999Z")->time_since_epoch().count(), 86401);
  EXPECT_EQ(parse_iso8601("1970-01-02T00:00:01Z")->time_since_epoch().count(), 86401);
  for (const char* text : {"", "1970-01-02", "1970-01-02T00:00:01", "1970/01/02T00:00:01Z",
                           "1970-01-02T00:00:01+00:00", "1970-13-02T00:00:01Z"}) {
    EXPECT_FALSE(parse_iso8601(text)) << text;
  }
}

}  // namespace
}  // namespace ringpull::s3
