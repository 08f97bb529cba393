"""Secrets Manager's rotation contract, row by row, against the embedded store and against moto.

    python3 boto3_rows.py embedded http://127.0.0.1:PORT FUNCTION_PORT
    python3 boto3_rows.py moto http://127.0.0.1:PORT

A row is one thing that the service promises to rotations. It prints a table: each row with its
checks, and for a row that is not checked, why. For moto, an emulator that this project did not
write, each check is marked: it holds there too, or moto differs, and how; both are tried, so a mark
that is wrong fails as well. `boto3_contract.py` has the finer points of every call.

The embedded server has to be told to call http://127.0.0.1:FUNCTION_PORT; the function that
listens there notes the steps and does nothing, unless it is told to fail.
"""

import http.server
import json
import re
import string
import sys
import threading
import time
import urllib.request
import uuid

import boto3
import botocore.config
import botocore.exceptions

SERVER, ENDPOINT = sys.argv[1], sys.argv[2].rstrip("/")
EMBEDDED = SERVER == "embedded"
PREFIX = f"rows-{uuid.uuid4().hex[:8]}/"
LAMBDA = "arn:aws:lambda:us-east-1:123456789012:function:rotate"
STEPS = ["createSecret", "setSecret", "testSecret", "finishSecret"]
LIMIT = 20  # seconds for what the server does in the background

sm = boto3.client(
    "secretsmanager", endpoint_url=ENDPOINT, region_name="us-east-1",
    aws_access_key_id="none", aws_secret_access_key="none",
    config=botocore.config.Config(retries={"max_attempts": 0}, parameter_validation=False,
                                  read_timeout=20),
)
rows = []  # (row, check, function, mark for moto)
events = []
failing = set()  # steps that the function refuses


class Broken(Exception):
    """A promise that is not kept."""


def check(row, text, moto=True):
    """Registers one check of a row. `moto`: it holds there, or how it differs."""
    def register(function):
        rows.append((row, text, function, moto))
        return function
    return register


def skip(row, why):
    rows.append((row, why, None, None))


def holds(condition, found=None):
    if not condition:
        raise Broken("" if found is None else f"found {found}")


def refused(code, call, says="", **arguments):
    try:
        call(**arguments)
    except botocore.exceptions.ClientError as error:
        got = error.response["Error"]
        holds(got["Code"] == code and says in got["Message"], f"{got['Code']}: {got['Message']}")
    else:
        raise Broken("success")


def token():
    return str(uuid.uuid4())


def make(text="one"):
    """A secret of its own, by ARN, and its first version."""
    made = sm.create_secret(Name=PREFIX + token(), SecretString=text)
    return made["ARN"], made["VersionId"]


def labels(secret):
    stages = sm.describe_secret(SecretId=secret).get("VersionIdsToStages", {})
    return {label: version for version, held in stages.items() for label in held}


def put_pending(secret, version, text="two", **more):
    return sm.put_secret_value(SecretId=secret, ClientRequestToken=version, SecretString=text,
                               VersionStages=["AWSPENDING"], **more)


def finish(secret, old, new):
    sm.update_secret_version_stage(SecretId=secret, VersionStage="AWSCURRENT",
                                   RemoveFromVersionId=old, MoveToVersionId=new)


def begin(secret, rules=None, **more):
    # moto looks the function up, and there is none.
    function = {"RotationLambdaARN": LAMBDA} if EMBEDDED else {}
    rules = rules or {"AutomaticallyAfterDays": 30}
    return sm.rotate_secret(SecretId=secret, RotationRules=rules, **function, **more)["VersionId"]


def seen(version, count):
    """The events of one rotation, once there are so many."""
    deadline = time.time() + LIMIT
    while time.time() < deadline:
        mine = [event for event in events if event["ClientRequestToken"] == version]
        if len(mine) >= count:
            return mine
        time.sleep(0.02)
    raise Broken(f"{count} steps were not seen")


def gone(secret, version):
    deadline = time.time() + LIMIT
    while time.time() < deadline:
        if version not in labels(secret).values():
            return True
        time.sleep(0.02)
    return False


NO_FUNCTION = "moto invokes a Lambda function of its own, in Docker"
NO_ROTATION = "RotateSecret makes a version without a value current"


@check("Invocation", "the four steps, one after the other", moto=NO_FUNCTION)
def _():
    secret, _ = make()
    version = begin(secret)
    holds([event["Step"] for event in seen(version, 4)][:4] == STEPS)


@check("Event", "Step, the ARN, the token, and a RotationToken of its own", moto=NO_FUNCTION)
def _():
    secret, _ = make()
    version = begin(secret)
    sent = seen(version, 4)
    holds(all(set(event) == {"Step", "SecretId", "ClientRequestToken", "RotationToken"}
              and event["SecretId"] == secret for event in sent))
    holds(all(re.fullmatch(r"[A-Za-z0-9-]{36,256}", event["RotationToken"]) for event in sent))
    holds(len({event["RotationToken"] for event in sent}) == len(sent))


@check("RotationToken", "PutSecretValue takes it")
def _():
    secret, _ = make()
    version = token()
    put_pending(secret, version, RotationToken=token())
    holds(labels(secret).get("AWSPENDING") == version)


@check("RotationToken", "one of another form is refused", moto="any text is taken")
def _():
    refused("ValidationException", put_pending, secret=make()[0], version=token(),
            RotationToken="not a token")


@check("RotationToken", "a rotation by an assumed role can't store a value without the event's",
       moto=NO_FUNCTION)
def _():
    secret, _ = make()
    sm.tag_resource(SecretId=secret, Tags=[{"Key": "windlass-local:rotation-role", "Value": ""}])
    failing.add("setSecret")
    version = begin(secret)
    sent = seen(version, 2)[-1]["RotationToken"]
    for wrong in ({}, {"RotationToken": token()}):
        refused("AccessDeniedException", put_pending, secret=secret, version=version, **wrong)
    put_pending(secret, version, RotationToken=sent)
    failing.clear()


@check("Placeholder", "RotateSecret registers the token as AWSPENDING, with no value",
       moto=NO_ROTATION)
def _():
    secret, first = make()
    version = begin(secret)
    holds(labels(secret) == {"AWSCURRENT": first, "AWSPENDING": version}, labels(secret))
    refused("ResourceNotFoundException", sm.get_secret_value, SecretId=secret, VersionId=version,
            VersionStage="AWSPENDING")
    put_pending(secret, version)
    got = sm.get_secret_value(SecretId=secret, VersionId=version, VersionStage="AWSPENDING")
    holds(got["SecretString"] == "two")


@check("Idempotency", "the same token and value again do nothing")
def _():
    secret, first = make()
    version = token()
    for _ in range(2):
        put_pending(secret, version)
    holds(labels(secret) == {"AWSCURRENT": first, "AWSPENDING": version}, labels(secret))


@check("Idempotency", "the same token with another value is refused while it is pending",
       moto="the other value is taken")
def _():
    secret, _ = make()
    version = token()
    put_pending(secret, version)
    refused("ResourceExistsException", put_pending, secret=secret, version=version, text="other")
    holds(sm.get_secret_value(SecretId=secret, VersionId=version)["SecretString"] == "two")


@check("Idempotency", "and when it is not pending")
def _():
    secret, first = make()
    refused("ResourceExistsException", sm.put_secret_value, SecretId=secret,
            ClientRequestToken=first, SecretString="other")
    holds(sm.get_secret_value(SecretId=secret, VersionId=first)["SecretString"] == "one")


@check("VersionStages omitted", "PutSecretValue moves AWSCURRENT at once")
def _():
    secret, first = make()
    second = sm.put_secret_value(SecretId=secret, SecretString="two")["VersionId"]
    holds(labels(secret) == {"AWSCURRENT": second, "AWSPREVIOUS": first}, labels(secret))


@check("Labels", "AWSPREVIOUS follows AWSCURRENT")
def _():
    secret, first = make()
    second = token()
    put_pending(secret, second)
    finish(secret, first, second)
    found = labels(secret)
    holds((found["AWSCURRENT"], found["AWSPREVIOUS"]) == (second, first), found)


@check("Labels", "after the move, GetSecretValue reads the new version",
       moto="without a stage it still reads the old one")
def _():
    secret, first = make()
    second = token()
    put_pending(secret, second)
    finish(secret, first, second)
    holds(sm.get_secret_value(SecretId=secret)["SecretString"] == "two")


@check("Labels", "RemoveFromVersionId is needed where the label is")
def _():
    secret, _ = make()
    second = token()
    put_pending(secret, second)
    refused("InvalidParameterException", sm.update_secret_version_stage, SecretId=secret,
            VersionStage="AWSCURRENT", MoveToVersionId=second)


@check("Labels", "one that names another version is refused")
def _():
    secret, _ = make()
    second = token()
    put_pending(secret, second)
    refused("InvalidParameterException", sm.update_secret_version_stage, SecretId=secret,
            VersionStage="AWSCURRENT", MoveToVersionId=second, RemoveFromVersionId=second)


@check("Labels", "and changes nothing", moto="the refused call takes AWSCURRENT off")
def _():
    secret, first = make()
    second = token()
    put_pending(secret, second)
    move = dict(SecretId=secret, VersionStage="AWSCURRENT", MoveToVersionId=token())
    refused("ResourceNotFoundException", sm.update_secret_version_stage,
            RemoveFromVersionId=first, **move)
    holds(labels(secret) == {"AWSCURRENT": first, "AWSPENDING": second}, labels(secret))


@check("Labels", "each on one version only")
def _():
    secret, first = make()
    second = sm.put_secret_value(SecretId=secret, SecretString="two")["VersionId"]
    move = dict(SecretId=secret, VersionStage="OWN")
    sm.update_secret_version_stage(MoveToVersionId=first, **move)
    sm.update_secret_version_stage(MoveToVersionId=second, RemoveFromVersionId=first, **move)
    stages = sm.describe_secret(SecretId=secret)["VersionIdsToStages"]
    holds([v for v, held in stages.items() if "OWN" in held] == [second], stages)


@check("Labels", "at most 20", moto="any number is taken")
def _():
    secret, first = make()
    for index in range(19):
        sm.update_secret_version_stage(SecretId=secret, VersionStage=f"L{index}",
                                       MoveToVersionId=first)
    refused("LimitExceededException", sm.update_secret_version_stage, SecretId=secret,
            VersionStage="L19", MoveToVersionId=first)


def rotated():
    secret, first = make()
    version = begin(secret)
    put_pending(secret, version)
    finish(secret, first, version)
    return secret, version


@check("AWSPENDING cleanup", "it may stay on the version that is current: the next rotation begins",
       moto=NO_ROTATION)
def _():
    secret, version = rotated()
    found = labels(secret)
    holds((found["AWSCURRENT"], found["AWSPENDING"]) == (version, version), found)
    holds(labels(secret)["AWSCURRENT"] == version and begin(secret) != version)


@check("AWSPENDING cleanup", "or be taken off: the next rotation begins", moto=NO_ROTATION)
def _():
    secret, version = rotated()
    sm.update_secret_version_stage(SecretId=secret, VersionStage="AWSPENDING",
                                   RemoveFromVersionId=version)
    holds(labels(secret)["AWSCURRENT"] == version and begin(secret) != version)


@check("Failure", "a failed step: the whole rotation again, more than once, with the same token",
       moto=NO_FUNCTION)
def _():
    secret, _ = make()
    failing.add("setSecret")
    version = begin(secret)
    steps = [event["Step"] for event in seen(version, 6)]
    holds(steps == ["createSecret", "setSecret"] * 3, steps)
    failing.clear()


@check("Failure", "AWSPENDING is left, and another rotation is refused", moto=NO_ROTATION)
def _():
    secret, first = make()
    version = begin(secret)
    refused("InvalidRequestException", begin, secret=secret, says="previous rotation isn't complete")
    holds(labels(secret) == {"AWSCURRENT": first, "AWSPENDING": version}, labels(secret))


@check("Cancel", "rotation is off, labels stay, and UpdateSecretVersionStage repairs",
       moto=NO_ROTATION)
def _():
    secret, first = make()
    version = begin(secret)
    sm.cancel_rotate_secret(SecretId=secret)
    holds(sm.describe_secret(SecretId=secret)["RotationEnabled"] is False)
    holds(labels(secret) == {"AWSCURRENT": first, "AWSPENDING": version}, labels(secret))
    refused("InvalidRequestException", begin, secret=secret)
    sm.update_secret_version_stage(SecretId=secret, VersionStage="AWSPENDING",
                                   RemoveFromVersionId=version)
    begin(secret)


@check("Dry test", "RotateImmediately=false: testSecret alone, on a version that then is gone",
       moto=NO_FUNCTION)
def _():
    secret, first = make()
    version = begin(secret, RotateImmediately=False)
    steps = [event["Step"] for event in seen(version, 1)]
    holds(steps == ["testSecret"] and gone(secret, version), steps)
    holds(labels(secret) == {"AWSCURRENT": first}, labels(secret))


skip("Consistency", "the store is consistent at once; a proxy that answers late stands in for it in "
     "the end-to-end tests")


@check("Schedule", "rates of 4 hours and more, crons on the hour, windows in hours",
       moto="DescribeSecret tells no schedule")
def _():
    for rules in ({"ScheduleExpression": "rate(4 hours)"},
                  {"ScheduleExpression": "rate(10 days)", "Duration": "3h"},
                  {"ScheduleExpression": "cron(0 8 1 * ? *)"}):
        secret, _ = make()
        begin(secret, rules)
        holds(sm.describe_secret(SecretId=secret)["RotationRules"] == rules, rules)


@check("Schedule", "any other is refused", moto="any text is taken")
def _():
    for rules in ({"ScheduleExpression": "rate(3 hours)"}, {"ScheduleExpression": "soon"},
                  {"ScheduleExpression": "cron(5 8 * * ? *)"},
                  {"ScheduleExpression": "rate(1 day)", "AutomaticallyAfterDays": 1}):
        refused("InvalidParameterException", begin, secret=make()[0], rules=rules)


skip("Manual update", "counts for the schedule, and nothing here happens on one")
skip("Managed rotation", "is for services of AWS, and runs no function")
skip("Restriction", "is Lambda's, not Secrets Manager's")
skip("Confused deputy", "is the function's duty: the end-to-end tests of mismatches have it")


@check("Versions and size", "65,536 bytes are taken")
def _():
    secret, _ = make("x" * 65536)
    holds(len(sm.get_secret_value(SecretId=secret)["SecretString"]) == 65536)


@check("Versions and size", "one more is not", moto="any size is taken")
def _():
    refused("ValidationException", make, text="x" * 65537)


@check("Versions and size", "110 versions without a label are kept while they are young")
def _():
    secret, first = make()
    for index in range(111):
        sm.put_secret_value(SecretId=secret, SecretString=str(index))
    holds(sm.get_secret_value(SecretId=secret, VersionId=first)["SecretString"] == "one")


skip("Versions and size", "the pruning of older ones is tested with a clock that is set, in the "
     "store's own tests")
skip("Observability", "CloudTrail and EventBridge are not here; GET /windlass/rotations tells what "
     "became of a rotation")


def password(**arguments):
    return sm.get_random_password(**arguments)["RandomPassword"]


@check("GetRandomPassword", "32 characters with one of each kind, up to 4096")
def _():
    kinds = (string.ascii_lowercase, string.ascii_uppercase, string.digits, string.punctuation)
    for _ in range(20):
        made = password()
        holds(len(made) == 32 and all(set(made) & set(kind) for kind in kinds))
    holds(len(password(PasswordLength=4096)) == 4096)


@check("GetRandomPassword", "and no longer", moto="the exception has another name")
def _():
    refused("ValidationException", sm.get_random_password, PasswordLength=4097)


@check("GetRandomPassword", "exclusions are kept")
def _():
    made = password(PasswordLength=2000, ExcludeCharacters="/@\"'\\", ExcludeNumbers=True)
    holds(not set(made) & set("/@\"'\\" + string.digits))


class Function(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        events.append(event)
        failed = event["Step"] in failing
        body = json.dumps({"errorType": "E", "errorMessage": "as told"} if failed else None).encode()
        self.send_response(200)
        if failed:
            self.send_header("X-Amz-Function-Error", "Unhandled")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def outcome(function, moto):
    """What is printed for one check, and whether it is as marked."""
    if not EMBEDDED and moto == NO_FUNCTION:
        return f"not tried: {moto}", True
    try:
        function()
    except (Broken, botocore.exceptions.ClientError, KeyError) as error:
        if EMBEDDED or moto is True:
            return f"BROKEN: {error}", False
        return f"differs: {moto}", True
    if EMBEDDED or moto is True:
        return "holds", True
    return f"HOLDS, though marked: {moto}", False


def main():
    if EMBEDDED:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[3])), Function)
        threading.Thread(target=server.serve_forever, daemon=True).start()
    counts, wrong = {}, []
    print(f"{'row':22} | {SERVER:10} | check")
    for row, text, function, moto in rows:
        if function is None:
            told, right = f"not checked: {text}", True
            print(f"{row:22} | {'-':10} | {told}")
        else:
            told, right = outcome(function, moto)
            word, _, why = told.partition(": ")
            print(f"{row:22} | {word:10} | {text}" + (f" ({why})" if why else ""))
        counts[told.split(":")[0]] = counts.get(told.split(":")[0], 0) + 1
        if not right:
            wrong.append(f"{row}, {text}: {told}")
    print("; ".join(f"{number} {word}" for word, number in sorted(counts.items())))
    if wrong:
        sys.exit("FAILED " + "\nFAILED ".join(wrong))


main()
