"""boto3 lists objects: pages of 1000, prefixes, delimiters, start-after, in both versions."""

from concurrent.futures import ThreadPoolExecutor

from foreign.server import expect_error
from support.checks import check, check_equal, step

BUCKET = "boto3-listing"
FLAT = [f"flat/{number:04}" for number in range(1005)]
TREE = ["tree/a", "tree/b/1", "tree/b/2", "tree/b-c", "tree/d/1", "tree/d/e/1", "tree/z"]


def work(server):
    client = server.new_bucket(BUCKET)
    with step("boto3: 1012 small objects"):
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda key: client.put_object(Bucket=BUCKET, Key=key, Body=b""),
                          FLAT + TREE))
    with step("boto3: pages of 1000 keys"):
        check_pages(server, client)
    with step("boto3: prefixes and delimiters"):
        check_tree(client)
    with step("boto3: listing version 1"):
        check_version_1(client)
    with step("boto3: 1000 keys deleted at once"):
        check_mass_delete(server, client)


def keys_of(page):
    return [item["Key"] for item in page.get("Contents", [])]


def prefixes_of(page):
    return [item["Prefix"] for item in page.get("CommonPrefixes", [])]


def check_pages(server, client):
    everything = sorted(FLAT + TREE)
    first = client.list_objects_v2(Bucket=BUCKET)
    check_equal((first["IsTruncated"], first["KeyCount"], first["MaxKeys"]), (True, 1000, 1000),
                "first page")
    rest = client.list_objects_v2(Bucket=BUCKET, ContinuationToken=first["NextContinuationToken"])
    check_equal((rest["IsTruncated"], rest["KeyCount"]), (False, 12), "second page")
    check_equal(keys_of(first) + keys_of(rest), everything, "keys on both pages")
    check_equal(client.list_objects_v2(Bucket=BUCKET, MaxKeys=2000)["KeyCount"], 1000,
                "keys on a page when 2000 were asked for")
    after = client.list_objects_v2(Bucket=BUCKET, StartAfter="flat/1000", MaxKeys=2)
    check_equal(keys_of(after), ["flat/1001", "flat/1002"], "keys after flat/1000")
    nothing = client.list_objects_v2(Bucket=BUCKET, MaxKeys=0)
    check_equal((keys_of(nothing), nothing["IsTruncated"]), ([], False), "a page of no keys")
    item = first["Contents"][0]
    check_equal((item["Size"], item["ETag"]), (0, '"d41d8cd98f00b204e9800998ecf8427e"'), "an entry")
    if server.keeps_to("an invented continuation token gives 400 InvalidArgument"):
        expect_error(400, "InvalidArgument", client.list_objects_v2, Bucket=BUCKET,
                     ContinuationToken="no token of yours")


def check_tree(client):
    top = client.list_objects_v2(Bucket=BUCKET, Delimiter="/")
    check_equal((keys_of(top), prefixes_of(top), top["KeyCount"]), ([], ["flat/", "tree/"], 2),
                "the top with a delimiter")
    tree = client.list_objects_v2(Bucket=BUCKET, Prefix="tree/", Delimiter="/")
    check_equal((keys_of(tree), prefixes_of(tree)),
                (["tree/a", "tree/b-c", "tree/z"], ["tree/b/", "tree/d/"]), "tree/")
    seen, token = [], {}
    for _ in range(10):  # keys and prefixes share the pages, in one order
        page = client.list_objects_v2(Bucket=BUCKET, Prefix="tree/", Delimiter="/", MaxKeys=1,
                                      **token)
        seen += keys_of(page) + prefixes_of(page)
        if not page["IsTruncated"]:
            break
        token = {"ContinuationToken": page["NextContinuationToken"]}
    check_equal(seen, ["tree/a", "tree/b-c", "tree/b/", "tree/d/", "tree/z"], "pages of one")
    check_equal(keys_of(client.list_objects_v2(Bucket=BUCKET, Prefix="tree/b")),
                ["tree/b-c", "tree/b/1", "tree/b/2"], "a prefix in the middle of a name")
    check_equal(keys_of(client.list_objects_v2(Bucket=BUCKET, Prefix="nothing/")), [],
                "a prefix without keys")


def check_version_1(client):
    first = client.list_objects(Bucket=BUCKET)
    check_equal((first["IsTruncated"], len(first["Contents"])), (True, 1000), "first page")
    rest = client.list_objects(Bucket=BUCKET, Marker=keys_of(first)[-1])
    check_equal(keys_of(first) + keys_of(rest), sorted(FLAT + TREE), "keys on both pages")
    tree = client.list_objects(Bucket=BUCKET, Prefix="tree/", Delimiter="/", MaxKeys=3)
    check_equal((keys_of(tree), prefixes_of(tree), tree["NextMarker"]),
                (["tree/a", "tree/b-c"], ["tree/b/"], "tree/b/"), "tree/ in a page of three")
    tree = client.list_objects(Bucket=BUCKET, Prefix="tree/", Delimiter="/", Marker="tree/b/")
    check_equal((keys_of(tree), prefixes_of(tree)), (["tree/z"], ["tree/d/"]), "after tree/b/")


def check_mass_delete(server, client):
    done = client.delete_objects(Bucket=BUCKET, Delete={"Objects": [
        {"Key": key} for key in FLAT[:1000]]})
    check_equal(len(done["Deleted"]), 1000, "number of keys deleted")
    check_equal(keys_of(client.list_objects_v2(Bucket=BUCKET)), sorted(FLAT[1000:] + TREE),
                "keys left")
    if server.keeps_to("more than 1000 keys to delete give 400 MalformedXML"):
        expect_error(400, "MalformedXML", client.delete_objects, Bucket=BUCKET,
                     Delete={"Objects": [{"Key": key} for key in FLAT]})
    check(keys_of(client.list_objects_v2(Bucket=BUCKET)), "a refused delete removed keys")
