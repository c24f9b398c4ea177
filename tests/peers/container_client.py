"""A client of a development container: `container_client.py URL`. It knows the URL alone, and uses the page's tokens, the tools,
presigned links, the registry, and S3, STS and Athena with the AWS SDK. Prints what it saw as JSON."""

import json
import sys
import urllib.error
import urllib.request

import boto3
import botocore.exceptions

url = sys.argv[1]
bucket, key = "quilt-dev-shared", "notes/outside.txt"
seen = {}


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


opener = urllib.request.build_opener(NoRedirect)


def ask(target, data=None, **headers):
    try:
        return opener.open(urllib.request.Request(target, data, {k.replace("_", "-"): v for k, v in headers.items()}))
    except urllib.error.HTTPError as answer:
        return answer


def call(token, tool, arguments):
    params = {"name": tool, "arguments": arguments}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()
    answer = ask(url + "/mcp", body, content_type="application/json", authorization=f"Bearer {token}")
    result = json.load(answer)["result"]["structuredContent"]
    assert result.get("success") is not False, result
    return result


seen["page"] = ask(url + "/", accept="text/html").headers["content-type"]
seen["strange_host"] = ask(url + "/mcp/console/users/writer", host="evil.example").status
token = ask(url + "/mcp/console/users/writer").read().decode()
items = [{"key": key, "text": "Hello from outside"}]
call(token, "bucket_objects_put", {"bucket": bucket, "items": items})
link = call(token, "bucket_object_link", {"bucket": bucket, "key": key})["url"]
assert link.startswith(url), link
seen["linked"] = ask(link).read().decode()
seen["changed_link"] = ask(link, host="other.example").status
package = call(token, "package_browse", {"bucket": bucket, "name": "examples/plankton"})["package"]
seen["catalog_page"] = ask(package["catalog_url"]).headers["location"]
status = call(token, "auth_status", {})
seen["addresses"] = [status["catalog_url"], status["registry_url"]]
config = json.load(ask(url + "/config.json"))
assert config["registryUrl"] == status["registry_url"], config

keys = json.load(ask(config["registryUrl"] + "/api/auth/get_credentials", authorization=f"Bearer {token}"))
session = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], region_name="us-east-1")
s3 = session.client("s3", endpoint_url=url)
seen["listed"] = [found["Key"] for found in s3.list_objects_v2(Bucket=bucket, Prefix="notes/")["Contents"]]
try:
    s3.list_objects_v2(Bucket="quilt-dev-private")
except botocore.exceptions.ClientError as error:
    seen["denied"] = error.response["Error"]["Code"]
seen["arn"] = session.client("sts", endpoint_url=url).get_caller_identity()["Arn"]
athena = session.client("athena", endpoint_url=url)
seen["workgroups"] = [found["Name"] for found in athena.list_work_groups()["WorkGroups"]]
print(json.dumps(seen))
