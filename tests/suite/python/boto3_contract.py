"""Secrets Manager's contract, checked through boto3, a client that this project did not write.

    python3 boto3_contract.py http://127.0.0.1:PORT

The server is the embedded Secrets Manager without a rotation function: this program runs the steps
of a rotation itself. It prints a line per row of the contract, and ends with status 1 at the first
row that does not hold. Only boto3 is needed. Secrets are made under a name of this run's own, and
removed at the end.
"""

import json
import string
import sys
import time
import urllib.request
import uuid

import boto3
import botocore.config
import botocore.exceptions

ENDPOINT = sys.argv[1].rstrip("/")
PREFIX = f"contract-{uuid.uuid4().hex[:8]}/"
LAMBDA = "arn:aws:lambda:us-east-1:123456789012:function:rotate"
PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"

sm = boto3.client(
    "secretsmanager",
    endpoint_url=ENDPOINT,
    region_name="us-east-1",
    aws_access_key_id="none",
    aws_secret_access_key="none",
    config=botocore.config.Config(
        retries={"max_attempts": 0}, parameter_validation=False, read_timeout=20
    ),
)
rows = 0


def row(text, holds, found=None):
    """One line of the contract. What was found is shown, so it must not be a secret value."""
    global rows
    rows += 1
    if not holds:
        sys.exit(f"FAILED {text}" + ("" if found is None else f": found {found}"))
    print(f"ok     {text}")


def refused(text, code, call, /, says="", **arguments):
    try:
        call(**arguments)
    except botocore.exceptions.ClientError as error:
        got = error.response["Error"]
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        row(text, got["Code"] == code and says in got["Message"] and status == 400,
            f"{status} {got['Code']}: {got['Message']}")
    else:
        row(text, False, "success")


def token():
    return str(uuid.uuid4())


def name(of):
    return PREFIX + of


def make(of, text="one", **arguments):
    return sm.create_secret(Name=name(of), SecretString=text, **arguments)


def labels(of):
    stages = sm.describe_secret(SecretId=name(of)).get("VersionIdsToStages", {})
    return {label: version for version, held in stages.items() for label in held}


def raw(action, body, **headers):
    """A request as no SDK would send it."""
    request = urllib.request.Request(
        ENDPOINT + "/",
        data=body if isinstance(body, bytes) else json.dumps(body).encode(),
        headers={"X-Amz-Target": action, "Content-Type": "application/x-amz-json-1.1", **headers},
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, dict(answer.headers), json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), json.load(error)


def create_and_describe():
    first = token()
    made = make("create", ClientRequestToken=first, Description="for tests",
                Tags=[{"Key": "team", "Value": "blue"}])
    arn = made["ARN"]
    row("CreateSecret: the token is the version", made["VersionId"] == first)
    row("CreateSecret: the ARN ends in six characters of its own",
        arn.startswith(f"arn:aws:secretsmanager:us-east-1:123456789012:secret:{name('create')}-")
        and len(arn.rsplit("-", 1)[1]) == 6, arn)
    again = make("create", ClientRequestToken=first)
    row("CreateSecret: the same request again does nothing",
        (again["ARN"], again["VersionId"]) == (arn, first))
    refused("CreateSecret: the same token with another value", "ResourceExistsException", make,
            of="create", text="two", ClientRequestToken=first)
    refused("CreateSecret: a name that is taken", "ResourceExistsException", make,
            of="create", says="already exists")
    refused("CreateSecret: a name with other characters", "ValidationException", sm.create_secret,
            Name="not a name", SecretString="x", says="Invalid name")
    refused("CreateSecret: text and binary at once", "InvalidParameterException", sm.create_secret,
            Name=name("both"), SecretString="x", SecretBinary=b"x")
    refused("CreateSecret: a token that is too short", "InvalidParameterException", make,
            of="short", says="32-64", ClientRequestToken="short")
    refused("CreateSecret: 65,537 bytes are too many", "ValidationException", make,
            of="big", text="x" * 65537)
    make("full", text="\u00e9" * 32768)
    row("CreateSecret: 65,536 bytes are not",
        len(sm.get_secret_value(SecretId=name("full"))["SecretString"].encode()) == 65536)

    found = sm.describe_secret(SecretId=name("create"))
    row("DescribeSecret: labels by version", found["VersionIdsToStages"] == {first: ["AWSCURRENT"]})
    row("DescribeSecret: description and tags",
        found["Description"] == "for tests" and found["Tags"] == [{"Key": "team", "Value": "blue"}])
    row("DescribeSecret: nothing about rotation where none was configured",
        not {"RotationEnabled", "RotationLambdaARN", "RotationRules", "LastRotatedDate",
             "DeletedDate"} & set(found))
    row("DescribeSecret: dates are dates", abs(found["CreatedDate"].timestamp() - time.time()) < 60
        and found["LastChangedDate"] >= found["CreatedDate"])
    for kind, identifier in (("name", name("create")), ("ARN", arn), ("partial ARN", arn[:-7])):
        row(f"SecretId: by {kind}", sm.describe_secret(SecretId=identifier)["ARN"] == arn)
    refused("SecretId: what is not there", "ResourceNotFoundException", sm.describe_secret,
            SecretId=name("nothing"), says="Secrets Manager can't find the specified secret.")

    empty = sm.create_secret(Name=name("empty"))
    row("CreateSecret: without a value there is no version", "VersionId" not in empty
        and "VersionIdsToStages" not in sm.describe_secret(SecretId=name("empty")))
    refused("GetSecretValue: of a secret without versions", "ResourceNotFoundException",
            sm.get_secret_value, SecretId=name("empty"), says="staging label: AWSCURRENT")
    put = sm.put_secret_value(SecretId=name("empty"), SecretString="x", VersionStages=["BLUE"])
    row("PutSecretValue: the first version becomes current whatever its labels",
        put["VersionStages"] == ["AWSCURRENT", "BLUE"], put["VersionStages"])


def put_and_get():
    one = make("put", text="one")["VersionId"]
    two = token()
    put = sm.put_secret_value(SecretId=name("put"), ClientRequestToken=two, SecretString="two")
    row("PutSecretValue: without labels it becomes current", put["VersionStages"] == ["AWSCURRENT"])
    row("PutSecretValue: AWSPREVIOUS goes to what was current",
        labels("put") == {"AWSCURRENT": two, "AWSPREVIOUS": one})
    got = sm.get_secret_value(SecretId=name("put"))
    row("GetSecretValue: AWSCURRENT unless something else is asked for",
        (got["VersionId"], got["SecretString"]) == (two, "two")
        and "SecretBinary" not in got)
    got = sm.get_secret_value(SecretId=name("put"), VersionStage="AWSPREVIOUS")
    row("GetSecretValue: by label", got["SecretString"] == "one")
    got = sm.get_secret_value(SecretId=name("put"), VersionId=one)
    row("GetSecretValue: by version", got["VersionStages"] == ["AWSPREVIOUS"])
    got = sm.get_secret_value(SecretId=name("put"), VersionId=two, VersionStage="AWSCURRENT")
    row("GetSecretValue: by both", got["SecretString"] == "two")
    refused("GetSecretValue: version and label that do not belong together",
            "InvalidRequestException", sm.get_secret_value, SecretId=name("put"), VersionId=one,
            VersionStage="AWSCURRENT", says="not associated to the provided VersionId")
    missing = token()
    refused("GetSecretValue: an unknown version", "ResourceNotFoundException", sm.get_secret_value,
            SecretId=name("put"), VersionId=missing, says=f"VersionId: {missing}")
    refused("GetSecretValue: a label on no version", "ResourceNotFoundException",
            sm.get_secret_value, SecretId=name("put"), VersionStage="AWSPENDING",
            says="Secrets Manager can't find the specified secret value for staging label: AWSPENDING")

    before = labels("put")
    sm.put_secret_value(SecretId=name("put"), ClientRequestToken=two, SecretString="two",
                        VersionStages=["AWSPENDING"])
    row("PutSecretValue: same token, same value: does nothing", labels("put") == before)
    refused("PutSecretValue: same token, other value", "ResourceExistsException",
            sm.put_secret_value, SecretId=name("put"), ClientRequestToken=two, SecretString="2",
            says=f"You can't use ClientRequestToken {two}")
    three = token()
    pending = dict(SecretId=name("put"), ClientRequestToken=three, VersionStages=["AWSPENDING"])
    sm.put_secret_value(SecretString="three", RotationToken=token(), **pending)
    row("PutSecretValue: as pending it leaves AWSCURRENT", labels("put") == {**before, "AWSPENDING": three})
    refused("PutSecretValue: other value while pending", "ResourceExistsException",
            sm.put_secret_value, SecretString="other", **pending)
    row("PutSecretValue: and the first value is kept",
        sm.get_secret_value(SecretId=name("put"), VersionId=three)["SecretString"] == "three")
    refused("PutSecretValue: a rotation token of another form", "ValidationException",
            sm.put_secret_value, SecretString="three", RotationToken="not a token", **pending)
    refused("PutSecretValue: no value", "InvalidRequestException", sm.put_secret_value,
            SecretId=name("put"), says="SecretString or SecretBinary")
    sm.put_secret_value(SecretId=name("put"), SecretBinary=b"\x00\xff binary")
    got = sm.get_secret_value(SecretId=name("put"))
    row("SecretBinary: comes back as it went", got["SecretBinary"] == b"\x00\xff binary"
        and "SecretString" not in got)


def update_secret():
    one = make("update")["VersionId"]
    answer = sm.update_secret(SecretId=name("update"), Description="new")
    row("UpdateSecret: a description makes no version", "VersionId" not in answer
        and sm.describe_secret(SecretId=name("update"))["Description"] == "new")
    two = sm.update_secret(SecretId=name("update"), SecretString="two")["VersionId"]
    row("UpdateSecret: a value becomes current",
        labels("update") == {"AWSCURRENT": two, "AWSPREVIOUS": one})
    refused("UpdateSecret: same token, other value", "ResourceExistsException", sm.update_secret,
            SecretId=name("update"), ClientRequestToken=two, SecretString="three")


def version_stages():
    one = make("stages")["VersionId"]
    two = sm.put_secret_value(SecretId=name("stages"), SecretString="two",
                              VersionStages=["AWSPENDING"])["VersionId"]
    start = {"AWSCURRENT": one, "AWSPENDING": two}
    move = sm.update_secret_version_stage
    common = dict(SecretId=name("stages"), VersionStage="AWSCURRENT")
    for text, code, arguments in (
        ("RemoveFromVersionId is mandatory", "InvalidParameterException", dict(MoveToVersionId=two)),
        ("a wrong RemoveFromVersionId", "InvalidParameterException",
         dict(MoveToVersionId=two, RemoveFromVersionId=two)),
        ("an unknown RemoveFromVersionId", "InvalidParameterException",
         dict(MoveToVersionId=two, RemoveFromVersionId=token())),
        ("an unknown MoveToVersionId", "ResourceNotFoundException",
         dict(MoveToVersionId=token(), RemoveFromVersionId=one)),
        ("AWSCURRENT can't be taken off", "InvalidParameterException", dict(RemoveFromVersionId=one)),
        ("neither from nor to", "InvalidParameterException", {}),
    ):
        refused(f"UpdateSecretVersionStage: {text}", code, move, **common, **arguments)
        row("UpdateSecretVersionStage:   ... and nothing changed", labels("stages") == start)
    move(MoveToVersionId=two, RemoveFromVersionId=one, **common)
    row("UpdateSecretVersionStage: AWSPREVIOUS follows AWSCURRENT, AWSPENDING stays",
        labels("stages") == {"AWSCURRENT": two, "AWSPENDING": two, "AWSPREVIOUS": one})
    row("GetSecretValue: reads the new version after the move",
        sm.get_secret_value(SecretId=name("stages"))["SecretString"] == "two")
    move(SecretId=name("stages"), VersionStage="AWSPENDING", RemoveFromVersionId=two)
    row("UpdateSecretVersionStage: takes a label off", "AWSPENDING" not in labels("stages"))
    for index in range(18):
        move(SecretId=name("stages"), VersionStage=f"L{index}", MoveToVersionId=one)
    refused("UpdateSecretVersionStage: 21 labels are too many", "LimitExceededException", move,
            SecretId=name("stages"), VersionStage="L18", MoveToVersionId=one)
    row("UpdateSecretVersionStage: 20 are not", len(labels("stages")) == 20)


def version_ids():
    versions = [make("versions", text="0")["VersionId"]]
    for index in range(1, 5):
        versions.append(
            sm.put_secret_value(SecretId=name("versions"), SecretString=str(index))["VersionId"])
    listed = sm.list_secret_version_ids(SecretId=name("versions"))
    row("ListSecretVersionIds: versions with labels only",
        {v["VersionId"] for v in listed["Versions"]} == set(versions[3:]) and "NextToken" not in listed)
    listed = sm.list_secret_version_ids(SecretId=name("versions"), IncludeDeprecated=True)["Versions"]
    row("ListSecretVersionIds: deprecated ones when asked, newest first",
        [v["VersionId"] for v in listed] == versions[::-1] and "VersionStages" not in listed[-1])
    row("GetSecretValue: a deprecated version is readable by its id",
        sm.get_secret_value(SecretId=name("versions"), VersionId=versions[0])["SecretString"] == "0")
    paged, more = [], {}
    while True:
        page = sm.list_secret_version_ids(SecretId=name("versions"), IncludeDeprecated=True,
                                          MaxResults=2, **more)
        paged += [v["VersionId"] for v in page["Versions"]]
        if "NextToken" not in page:
            break
        more = {"NextToken": page["NextToken"]}
    row("ListSecretVersionIds: in pages", paged == versions[::-1])
    refused("ListSecretVersionIds: a token of nobody's", "InvalidNextTokenException",
            sm.list_secret_version_ids, SecretId=name("versions"), NextToken="nonsense")
    refused("ListSecretVersionIds: 101 at once are too many", "ValidationException",
            sm.list_secret_version_ids, SecretId=name("versions"), MaxResults=101)


def list_secrets():
    for index in range(5):
        make(f"list/{index}", Tags=[{"Key": "number", "Value": str(index)}])
    mine = [{"Key": "name", "Values": [name("list/")]}]
    expected = [name(f"list/{index}") for index in range(5)]

    def names(**arguments):
        pages = sm.get_paginator("list_secrets").paginate(**arguments)
        return [secret["Name"] for page in pages for secret in page["SecretList"]]

    row("ListSecrets: by name's beginning", names(Filters=mine) == expected)
    row("ListSecrets: in pages",
        names(Filters=mine, PaginationConfig={"PageSize": 2}) == expected)
    row("ListSecrets: backwards", names(Filters=mine, SortOrder="desc") == expected[::-1])
    row("ListSecrets: by tag", names(Filters=mine + [{"Key": "tag-value", "Values": ["3"]}])
        == [name("list/3")])
    row("ListSecrets: all but one", names(Filters=mine + [{"Key": "tag-value", "Values": ["!3"]}])
        == [one for one in expected if one != name("list/3")])
    found = sm.list_secrets(Filters=mine, MaxResults=1)["SecretList"][0]
    row("ListSecrets: with labels", list(found["SecretVersionsToStages"].values()) == [["AWSCURRENT"]])
    sm.delete_secret(SecretId=name("list/0"))
    row("ListSecrets: without what is to be deleted", names(Filters=mine) == expected[1:])
    row("ListSecrets: with it, when asked",
        names(Filters=mine, IncludePlannedDeletion=True) == expected)


def tags():
    make("tags")
    row("DescribeSecret: no tags where none were given", "Tags" not in sm.describe_secret(SecretId=name("tags")))

    def now():
        return {t["Key"]: t["Value"] for t in sm.describe_secret(SecretId=name("tags"))["Tags"]}

    sm.tag_resource(SecretId=name("tags"), Tags=[{"Key": "a", "Value": "1"}, {"Key": "A", "Value": "2"}])
    sm.tag_resource(SecretId=name("tags"), Tags=[{"Key": "a", "Value": "3"}])
    row("TagResource: adds and replaces; keys differ by case", now() == {"a": "3", "A": "2"})
    sm.untag_resource(SecretId=name("tags"), TagKeys=["a", "nothing"])
    row("UntagResource: what is not there is no error", now() == {"A": "2"})
    refused("TagResource: aws: is reserved", "InvalidParameterException", sm.tag_resource,
            SecretId=name("tags"), Tags=[{"Key": "aws:x", "Value": "1"}])
    many = [{"Key": f"k{index}", "Value": ""} for index in range(50)]
    refused("TagResource: 51 are too many", "LimitExceededException", sm.tag_resource,
            SecretId=name("tags"), Tags=many)
    row("TagResource:   ... and none was added", now() == {"A": "2"})


def deletion():
    arn = make("delete")["ARN"]
    for days in (6, 31):
        refused(f"DeleteSecret: {days} days", "InvalidParameterException", sm.delete_secret,
                SecretId=name("delete"), RecoveryWindowInDays=days, says="between 7 and 30")
    refused("DeleteSecret: at once and later", "InvalidParameterException", sm.delete_secret,
            SecretId=name("delete"), RecoveryWindowInDays=7, ForceDeleteWithoutRecovery=True)
    date = sm.delete_secret(SecretId=name("delete"))["DeletionDate"].timestamp()
    row("DeleteSecret: in 30 days", abs(date - time.time() - 30 * 86400) < 60)
    row("DescribeSecret: says when",
        sm.describe_secret(SecretId=name("delete"))["DeletedDate"].timestamp() == date)
    common = dict(SecretId=name("delete"), says="marked for deletion")
    refused("GetSecretValue: not any more", "InvalidRequestException", sm.get_secret_value, **common)
    refused("PutSecretValue: not any more", "InvalidRequestException", sm.put_secret_value,
            SecretString="x", **common)
    refused("RotateSecret: not any more", "InvalidRequestException", sm.rotate_secret,
            RotationLambdaARN=LAMBDA, **common)
    refused("DeleteSecret: not twice", "InvalidRequestException", sm.delete_secret,
            SecretId=name("delete"), says="already scheduled for deletion")
    refused("CreateSecret: its name is taken still", "InvalidRequestException", make, of="delete",
            says="already scheduled for deletion")
    sm.restore_secret(SecretId=name("delete"))
    row("RestoreSecret: readable again",
        sm.get_secret_value(SecretId=name("delete"))["SecretString"] == "one"
        and "DeletedDate" not in sm.describe_secret(SecretId=name("delete")))
    sm.delete_secret(SecretId=name("delete"), ForceDeleteWithoutRecovery=True)
    refused("DeleteSecret: forced, it is gone", "ResourceNotFoundException", sm.restore_secret,
            SecretId=name("delete"))
    sm.delete_secret(SecretId=name("delete"), ForceDeleteWithoutRecovery=True)
    row("DeleteSecret: forcing what is gone is no error", True)
    row("CreateSecret: the same name, another ARN", make("delete")["ARN"] != arn)


def random_password():
    def get(**arguments):
        return sm.get_random_password(**arguments)["RandomPassword"]

    kinds = (string.ascii_lowercase, string.ascii_uppercase, string.digits, PUNCTUATION)
    many = [get() for _ in range(50)]
    row("GetRandomPassword: 32 characters with one of each kind", len(set(many)) == 50 and all(
        len(p) == 32 and all(set(p) & set(kind) for kind in kinds) for p in many))
    everything = get(PasswordLength=4096)
    row("GetRandomPassword: 4096 characters, all of them printable but no space",
        len(everything) == 4096 and set(everything) == set("".join(kinds)))
    row("GetRandomPassword: with spaces when asked", " " in get(PasswordLength=4096, IncludeSpace=True))
    for flag, kind in zip(("Lowercase", "Uppercase", "Numbers", "Punctuation"), kinds):
        row(f"GetRandomPassword: Exclude{flag}",
            not set(get(PasswordLength=4096, **{f"Exclude{flag}": True})) & set(kind))
    row("GetRandomPassword: ExcludeCharacters",
        not set(get(PasswordLength=4096, ExcludeCharacters="/@\"'\\ abc")) & set("/@\"'\\ abc"))
    only = dict(ExcludeLowercase=True, ExcludeUppercase=True, ExcludePunctuation=True)
    row("GetRandomPassword: a single kind", set(get(PasswordLength=500, **only)) == set(string.digits))
    row("GetRandomPassword: four characters hold the four kinds",
        all(set(p := get(PasswordLength=4)) & set(kind) for kind in kinds for _ in range(5)))
    row("GetRandomPassword: one character, if no kind is required",
        len(get(PasswordLength=1, RequireEachIncludedType=False)) == 1)
    refused("GetRandomPassword: three characters for four kinds", "InvalidParameterException",
            sm.get_random_password, PasswordLength=3, says="too short")
    refused("GetRandomPassword: nothing left", "InvalidParameterException", sm.get_random_password,
            ExcludeNumbers=True, **only)
    for length in (0, 4097):
        refused(f"GetRandomPassword: {length} characters", "ValidationException",
                sm.get_random_password, PasswordLength=length)


def rotation():
    one = make("rotate")["VersionId"]
    rotate = sm.rotate_secret
    secret = dict(SecretId=name("rotate"))
    refused("RotateSecret: no function is known", "InvalidRequestException", rotate, **secret,
            says="No Lambda rotation function ARN is associated with this secret")
    refused("RotateSecret: not a function's ARN", "InvalidParameterException", rotate, **secret,
            RotationLambdaARN="nonsense")
    rules = {"ScheduleExpression": "rate(10 days)", "Duration": "3h"}
    for wrong in ({"AutomaticallyAfterDays": 1, "ScheduleExpression": "rate(1 day)"},
                  {"ScheduleExpression": "rate(3 hours)"}, {"ScheduleExpression": "soon"},
                  {"ScheduleExpression": "cron(5 8 * * ? *)"},
                  {"AutomaticallyAfterDays": 1, "Duration": "3"}):
        refused(f"RotateSecret: {wrong}", "InvalidParameterException", rotate, **secret,
                RotationLambdaARN=LAMBDA, RotationRules=wrong)
    row("RotateSecret: refused, it configures nothing",
        "RotationEnabled" not in sm.describe_secret(**secret))

    two = token()
    answer = rotate(**secret, ClientRequestToken=two, RotationLambdaARN=LAMBDA, RotationRules=rules)
    row("RotateSecret: the token is the version", answer["VersionId"] == two)
    row("RotateSecret: registered as pending", labels("rotate") == {"AWSCURRENT": one, "AWSPENDING": two})
    found = sm.describe_secret(**secret)
    row("DescribeSecret: what was configured", found["RotationEnabled"] is True
        and found["RotationLambdaARN"] == LAMBDA and found["RotationRules"] == rules
        and "LastRotatedDate" not in found)
    for text, selector in (("version and label", dict(VersionId=two, VersionStage="AWSPENDING")),
                           ("version", dict(VersionId=two)), ("label", dict(VersionStage="AWSPENDING"))):
        refused(f"GetSecretValue: the placeholder has no value, by {text}",
                "ResourceNotFoundException", sm.get_secret_value, **secret, **selector,
                says="Secrets Manager can't find the specified secret value for")
    refused("UpdateSecretVersionStage: the placeholder can't become current",
            "InvalidRequestException", sm.update_secret_version_stage, **secret,
            VersionStage="AWSCURRENT", RemoveFromVersionId=one, MoveToVersionId=two)
    refused("RotateSecret: another one is under way", "InvalidRequestException", rotate, **secret,
            says="A previous rotation isn't complete.")
    row("RotateSecret: the same one may be repeated",
        rotate(**secret, ClientRequestToken=two)["VersionId"] == two)
    pending = dict(**secret, ClientRequestToken=two, VersionStages=["AWSPENDING"])
    sm.put_secret_value(**pending, SecretString="two", RotationToken=token())
    sm.put_secret_value(**pending, SecretString="two", RotationToken=token())
    row("PutSecretValue: the placeholder takes a value",
        sm.get_secret_value(**secret, VersionId=two, VersionStage="AWSPENDING")["SecretString"] == "two")
    refused("PutSecretValue: once", "ResourceExistsException", sm.put_secret_value, **pending,
            SecretString="three")
    refused("RotateSecret: still under way", "InvalidRequestException", rotate, **secret)
    sm.update_secret_version_stage(**secret, VersionStage="AWSCURRENT", RemoveFromVersionId=one,
                                   MoveToVersionId=two)
    row("finishSecret: both labels on one version",
        labels("rotate") == {"AWSCURRENT": two, "AWSPENDING": two, "AWSPREVIOUS": one})
    row("DescribeSecret: when it was rotated",
        abs(sm.describe_secret(**secret)["LastRotatedDate"].timestamp() - time.time()) < 60)
    row("RotateSecret: a finished one repeated does nothing",
        rotate(**secret, ClientRequestToken=two)["VersionId"] == two
        and labels("rotate")["AWSCURRENT"] == two)
    three = rotate(**secret)["VersionId"]
    row("RotateSecret: the next one begins", labels("rotate")
        == {"AWSCURRENT": two, "AWSPENDING": three, "AWSPREVIOUS": one})

    answer = sm.cancel_rotate_secret(**secret)
    row("CancelRotateSecret: names the version that is left", answer["VersionId"] == three)
    row("CancelRotateSecret: rotation is off, labels stay",
        sm.describe_secret(**secret)["RotationEnabled"] is False
        and labels("rotate")["AWSPENDING"] == three)
    refused("RotateSecret: the version left blocks", "InvalidRequestException", rotate, **secret)
    sm.update_secret_version_stage(**secret, VersionStage="AWSPENDING", RemoveFromVersionId=three)
    rotate(**secret)
    row("RotateSecret: until its label is taken off",
        sm.describe_secret(**secret)["RotationEnabled"] is True)


def batches():
    for of in ("batch-a", "batch-b"):
        make(of, of, Tags=[{"Key": "batch", "Value": PREFIX}])
    answer = sm.batch_get_secret_value(SecretIdList=[name("batch-a"), name("nothing"), name("batch-b")])
    row("BatchGetSecretValue: the current values, by id",
        [value["SecretString"] for value in answer["SecretValues"]] == ["batch-a", "batch-b"]
        and all(value["VersionStages"] == ["AWSCURRENT"] and value["ARN"] and value["VersionId"]
                and value["CreatedDate"] for value in answer["SecretValues"]))
    row("BatchGetSecretValue: what can't be read is in Errors",
        [(error["SecretId"], error["ErrorCode"]) for error in answer["Errors"]]
        == [(name("nothing"), "ResourceNotFoundException")])
    by_tag = {"Filters": [{"Key": "tag-value", "Values": [PREFIX]}], "MaxResults": 1}
    pages = [sm.batch_get_secret_value(**by_tag)]
    while "NextToken" in pages[-1]:
        pages.append(sm.batch_get_secret_value(NextToken=pages[-1]["NextToken"], **by_tag))
    row("BatchGetSecretValue: by filters, in pages",
        [[value["Name"] for value in page["SecretValues"]] for page in pages]
        == [[name("batch-a")], [name("batch-b")]])
    refused("BatchGetSecretValue: neither ids nor filters", "InvalidParameterException",
            sm.batch_get_secret_value)
    refused("BatchGetSecretValue: 21 ids", "ValidationException", sm.batch_get_secret_value,
            SecretIdList=[name("batch-a")] * 21)


def resource_policies():
    make("policy")
    secret = {"SecretId": name("policy")}
    def policy(effect):
        return json.dumps({"Version": "2012-10-17", "Statement": [
            {"Effect": effect, "Principal": "*", "Action": "secretsmanager:*", "Resource": "*"}]})
    row("GetResourcePolicy: none", "ResourcePolicy" not in sm.get_resource_policy(**secret))
    refused("PutResourcePolicy: not JSON", "MalformedPolicyDocumentException",
            sm.put_resource_policy, ResourcePolicy="{", **secret)
    refused("PutResourcePolicy: everybody, where that is blocked", "PublicPolicyException",
            sm.put_resource_policy, ResourcePolicy=policy("Allow"), BlockPublicPolicy=True, **secret)
    sm.put_resource_policy(ResourcePolicy=policy("Deny"), BlockPublicPolicy=True, **secret)
    row("GetResourcePolicy: as it was put",
        sm.get_resource_policy(**secret)["ResourcePolicy"] == policy("Deny"))
    answer = sm.validate_resource_policy(ResourcePolicy=policy("Allow"), **secret)
    row("ValidateResourcePolicy: everybody", answer["PolicyValidationPassed"] is False
        and answer["ValidationErrors"][0]["CheckName"])
    row("ValidateResourcePolicy: passes",
        sm.validate_resource_policy(ResourcePolicy=policy("Deny"))["PolicyValidationPassed"] is True)
    sm.delete_resource_policy(**secret)
    row("DeleteResourcePolicy", "ResourcePolicy" not in sm.get_resource_policy(**secret))


def replication():
    make("replica", AddReplicaRegions=[{"Region": "eu-west-1"}])
    secret = {"SecretId": name("replica")}
    def status():
        return sm.describe_secret(**secret).get("ReplicationStatus", [])
    row("CreateSecret: a replica is reported as failed, and why",
        [(one["Region"], one["Status"]) for one in status()] == [("eu-west-1", "Failed")]
        and "does not replicate" in status()[0]["StatusMessage"])
    answer = sm.replicate_secret_to_regions(AddReplicaRegions=[{"Region": "eu-west-3"}], **secret)
    row("ReplicateSecretToRegions: likewise", {one["Status"] for one in answer["ReplicationStatus"]}
        == {"Failed"} and len(answer["ReplicationStatus"]) == 2)
    refused("ReplicateSecretToRegions: its own region", "InvalidParameterException",
            sm.replicate_secret_to_regions, AddReplicaRegions=[{"Region": "us-east-1"}], **secret)
    sm.remove_regions_from_replication(RemoveReplicaRegions=["eu-west-1", "eu-west-3"], **secret)
    row("RemoveRegionsFromReplication", status() == [])
    refused("StopReplicationToReplica: it is no replica", "InvalidRequestException",
            sm.stop_replication_to_replica, **secret)


def protocol():
    make("protocol")
    status, headers, body = raw("secretsmanager.GetSecretValue", {"SecretId": name("nothing")})
    row("errors: __type, Message and header", status == 400
        and body["__type"] == "ResourceNotFoundException" and "Message" in body
        and headers.get("x-amzn-errortype") == "ResourceNotFoundException")
    for text, action, body, code, says in (
        ("an unknown action", "secretsmanager.Nonsense", {}, "UnknownOperationException", "GetSecretValue"),
        ("another service", "DynamoDB_20120810.GetItem", {}, "UnknownOperationException", ""),
        ("not JSON", "secretsmanager.GetSecretValue", b"{", "SerializationException", "line 1"),
        ("not an object", "secretsmanager.GetSecretValue", b"[]", "SerializationException", "object"),
        ("a field of the wrong type", "secretsmanager.GetSecretValue", {"SecretId": 7},
         "SerializationException", "SecretId must be a string"),
        ("a missing field", "secretsmanager.GetSecretValue", {}, "ValidationException", "SecretId"),
        ("no token for a value", "secretsmanager.PutSecretValue",
         {"SecretId": name("protocol"), "SecretString": "x"}, "InvalidRequestException",
         "You must provide a ClientRequestToken value"),
        ("no token for a rotation", "secretsmanager.RotateSecret", {"SecretId": name("protocol")},
         "InvalidParameterException", "You must provide a ClientRequestToken value"),
        ("binary that is not base64", "secretsmanager.PutSecretValue",
         {"SecretId": name("protocol"), "SecretBinary": "*hunter2*"}, "SerializationException",
         "SecretBinary must be base64"),
    ):
        status, _, answer = raw(action, body)
        row(f"errors: {text}", status == 400 and answer["__type"] == code
            and says in answer["Message"] and "hunter2" not in answer["Message"], answer)
    status, _, answer = raw("secretsmanager.PutSecretValue", b'{"x":"' + b"y" * 600_000 + b'"}')
    row("errors: a body of 600 kB", status == 413, status)
    status, _, answer = raw("secretsmanager.DescribeSecret", {"SecretId": name("protocol"), "New": 1})
    row("unknown fields are ignored", status == 200)
    status, _, answer = raw("secretsmanager.DescribeSecret", {"SecretId": name("protocol")},
                            Host="rebound.example")
    row("a request to another host's name is turned away", status == 403, status)

    urllib.request.urlopen(urllib.request.Request(ENDPOINT + "/windlass/calls/reset", data=b""))
    sm.describe_secret(SecretId=name("protocol"))
    sm.get_secret_value(SecretId=name("protocol"))
    calls = json.load(urllib.request.urlopen(ENDPOINT + "/windlass/calls"))
    row("calls are counted and timed", calls["counts"] == {"DescribeSecret": 1, "GetSecretValue": 1}
        and [call["action"] for call in calls["log"]] == ["DescribeSecret", "GetSecretValue"]
        and calls["log"][0]["start_us"] <= calls["log"][0]["end_us"] <= calls["log"][1]["start_us"])


def cleanup():
    pages = sm.get_paginator("list_secrets").paginate(
        IncludePlannedDeletion=True, Filters=[{"Key": "name", "Values": [PREFIX]}])
    for secret in [secret for page in pages for secret in page["SecretList"]]:
        sm.delete_secret(SecretId=secret["ARN"], ForceDeleteWithoutRecovery=True)


try:
    for part in (create_and_describe, put_and_get, update_secret, version_stages, version_ids,
                 list_secrets, tags, deletion, random_password, rotation, batches,
                 resource_policies, replication, protocol):
        part()
finally:
    cleanup()
print(f"{rows} rows hold")
