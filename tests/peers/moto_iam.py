"""Sets up the IAM of a moto server through its API, as an administrator of AWS would.

usage: moto_iam.py ENDPOINT setup                        prints one JSON line: the keys of each user
       moto_iam.py ENDPOINT enforce                      from now on every request is authenticated and authorized
       moto_iam.py ENDPOINT forbid ROLE ACCESS_KEY_ID SECRET   takes the role's only policy away, as the owner of these keys
"""

import json
import sys
import urllib.request

import boto3
from botocore.config import Config

BUCKET = "it-shared"


def client(endpoint, service, keys):
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=keys["access_key_id"],
        aws_secret_access_key=keys["secret_access_key"],
        config=Config(s3={"addressing_style": "path"}),
    )


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **each} for each in statements]})


def setup(endpoint):
    any_keys = {"access_key_id": "setup", "secret_access_key": "setup"}
    iam = client(endpoint, "iam", any_keys)

    def user(name, action):
        iam.create_user(UserName=name)
        iam.put_user_policy(
            UserName=name, PolicyName="own", PolicyDocument=document({"Action": action, "Resource": "*"})
        )
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return {"access_key_id": key["AccessKeyId"], "secret_access_key": key["SecretAccessKey"]}

    def role(name, action, principal, assume):
        trust = document({"Action": assume, "Principal": principal})
        policy = document(
            {"Action": action, "Resource": f"arn:aws:s3:::{BUCKET}/*"},
            {"Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{BUCKET}"},
        )
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy)

    users = {"admin": user("admin", "*"), "svc": user("svc", "sts:AssumeRole")}
    svc = {"AWS": "arn:aws:iam::123456789012:user/svc"}
    idp = {"Federated": "arn:aws:iam::123456789012:oidc-provider/login.example.com"}
    read, write = ["s3:GetObject"], ["s3:GetObject", "s3:PutObject"]
    role("reader", read, svc, ["sts:AssumeRole", "sts:SetSourceIdentity"])
    role("writer", write, svc, ["sts:AssumeRole", "sts:SetSourceIdentity"])
    role("web", write, idp, ["sts:AssumeRoleWithWebIdentity"])
    client(endpoint, "s3", any_keys).create_bucket(Bucket=BUCKET)
    print(json.dumps(users))


def enforce(endpoint):
    # With the content type of a form, moto answers 500.
    request = urllib.request.Request(
        f"{endpoint}/moto-api/reset-auth", data=b"0", headers={"content-type": "text/plain"}
    )
    urllib.request.urlopen(request).read()


def forbid(endpoint, role, access_key_id, secret_access_key):
    keys = {"access_key_id": access_key_id, "secret_access_key": secret_access_key}
    client(endpoint, "iam", keys).delete_role_policy(RoleName=role, PolicyName="own")


if __name__ == "__main__":
    endpoint, command, *rest = sys.argv[1:]
    {"setup": setup, "enforce": enforce, "forbid": forbid}[command](endpoint, *rest)
