"""Runs statements on an Athena with boto3, as a user whose credentials the registry vends, and prints what came back.

    python athena_queries.py REQUEST

REQUEST is JSON: `endpoint`, `registry`, `region`, `token`, `metadata` (arguments of calls that read table metadata) and
`statements` (arguments of `start_query_execution` besides the workgroup). The output is JSON: `workgroups` and `catalogs` that
the user may use, `databases` by catalog, `metadata` with the code of each call, and `answers`, one for each statement.
"""

import json
import sys
import time
import urllib.request

import boto3
from botocore.exceptions import ClientError

request = json.loads(sys.argv[1])
vend = urllib.request.Request(
    request["registry"] + "/api/auth/get_credentials", headers={"Authorization": "Bearer " + request["token"]}
)
with urllib.request.urlopen(vend) as response:
    keys = json.load(response)
athena = boto3.client(
    "athena",
    endpoint_url=request["endpoint"],
    region_name=request["region"],
    aws_access_key_id=keys["AccessKeyId"],
    aws_secret_access_key=keys["SecretAccessKey"],
    aws_session_token=keys["SessionToken"],
)


def outcome(call, **arguments):
    """Returns `ok`, or the code of the error."""
    try:
        call(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "ok"


def usable(name):
    try:
        workgroup = athena.get_work_group(WorkGroup=name)["WorkGroup"]
    except ClientError:
        return False
    return "OutputLocation" in workgroup["Configuration"].get("ResultConfiguration", {})


def run(workgroup, statement):
    query = athena.start_query_execution(WorkGroup=workgroup, **statement)["QueryExecutionId"]
    states = []
    while True:
        execution = athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]
        state = execution["Status"]["State"]
        if state not in states:
            states.append(state)
        if state in ("SUCCEEDED", "FAILED", "CANCELLED"):
            break
        time.sleep(0.01)
    answer = {
        "state": state,
        "type": execution["StatementType"],
        "reason": execution["Status"].get("StateChangeReason"),
        "scanned": execution["Statistics"]["DataScannedInBytes"],
    }
    if state == "SUCCEEDED":
        pages = list(athena.get_paginator("get_query_results").paginate(QueryExecutionId=query, PaginationConfig={"PageSize": 3}))
        columns = pages[0]["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
        answer["columns"] = [[column["Name"], column["Type"]] for column in columns]
        answer["pages"] = len(pages)
        rows = [row for page in pages for row in page["ResultSet"]["Rows"]]
        answer["rows"] = [[cell.get("VarCharValue") for cell in row["Data"]] for row in rows]
    return answer


names = [each["Name"] for page in [athena.list_work_groups()] for each in page["WorkGroups"]]
workgroups = [name for name in names if usable(name)]
catalogs = [each["CatalogName"] for each in athena.list_data_catalogs()["DataCatalogsSummary"]]
print(
    json.dumps(
        {
            "listed": names,
            "workgroups": workgroups,
            "catalogs": [name for name in catalogs if name == "AwsDataCatalog" or outcome(athena.get_data_catalog, Name=name) == "ok"],
            "databases": {
                name: [each["Name"] for each in athena.list_databases(CatalogName=name)["DatabaseList"]] for name in catalogs
            },
            "metadata": [
                outcome(athena.list_table_metadata, **{k: v for k, v in request["metadata"].items() if k != "TableName"}),
                outcome(athena.get_table_metadata, **request["metadata"]),
                outcome(athena.get_database, **{k: v for k, v in request["metadata"].items() if k != "TableName"}),
            ],
            "answers": [run(workgroups[0], statement) for statement in request["statements"]],
        }
    )
)
